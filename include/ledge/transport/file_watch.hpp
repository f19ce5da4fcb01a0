// FileWatch: notices that files have changed, by asking for their dates: that works for renamed links and on every file
// system, and costs a few calls. The loop says when to ask.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ledge::transport {

class FileWatch {
public:
    /// What is there now is known.
    explicit FileWatch(std::vector<std::string> paths);

    /// They have changed since they were last known, and are the same as when this was asked before: whoever writes
    /// several files has a moment to finish. Then they are known.
    bool has_settled_change();
    /// They are not as known.
    bool has_changed() const { return look() != known_; }
    /// Known as they are.
    void accept();
    const std::vector<std::string>& paths() const { return paths_; }

private:
    struct Stamp {
        std::uint64_t inode = 0;  // 0: not there
        std::int64_t size = 0;
        std::int64_t modified_ns = 0;
        std::int64_t changed_ns = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    using Stamps = std::vector<Stamp>;

    Stamps look() const;

    std::vector<std::string> paths_;
    Stamps known_;
    Stamps before_;
};

}  // namespace ledge::transport
