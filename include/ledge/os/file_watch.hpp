// FileWatch: notices that files have changed, by looking at their dates now and then. That works for renamed links, for
// directories that containers exchange and on every file system, and costs one stat(2) a file. Nothing here waits or
// asks for the time: the loop says when it is time to look. On one thread.
//
// An idle broker must hardly wake up. Unchanged files are looked at every look_interval, at instants that are multiples
// of look_interval, so that all watches of a process share one wake-up.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::os {

class FileWatch {
public:
    static constexpr Duration look_interval = 4s;    // between two looks at files that have not changed
    static constexpr Duration settle_interval = 1s;  // from the look that sees a change to the next one

    /// The files as they are now count as known. `now` matters to an owner that calls on_time().
    explicit FileWatch(std::vector<std::string> paths, Instant now = Instant{});

    /// Looks at the files when next_deadline() has passed. True: the files have changed since they were last known, and
    /// have not changed further since the look before, so that a writer of several files has a moment to finish. The
    /// files count as known then.
    bool on_time(Instant now);
    /// When on_time() must be called; `never` without files.
    Instant next_deadline() const { return paths_.empty() ? never : look_at_; }

    /// The files are not as they are known. Looks at once.
    bool has_changed() const { return look() != known_; }
    /// The files as they are now count as known.
    void accept();
    const std::vector<std::string>& paths() const { return paths_; }

private:
    struct Stamp {
        std::uint64_t inode = 0;  // 0: there is no such file
        std::int64_t size = 0;
        std::int64_t modified_ns = 0;
        std::int64_t changed_ns = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    using Stamps = std::vector<Stamp>;

    Stamps look() const;

    std::vector<std::string> paths_;
    Stamps known_;
    Stamps before_;  // of the last look
    Instant look_at_;
};

}  // namespace ledge::os
