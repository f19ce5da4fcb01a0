// FileWatch: notices that files have changed, by comparing their inodes, sizes and dates at intervals. This method
// works for renamed links, for directories that a container runtime exchanges, and on every file system. One look costs
// one stat(2) per file. Nothing here waits or reads the clock: the owner calls on_time(). One thread uses the object.
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

    /// Remembers the present state of the files as the known state. `now` matters only to an owner that calls
    /// on_time().
    explicit FileWatch(std::vector<std::string> paths, Instant now = Instant{});

    /// Looks at the files if next_deadline() has passed. Returns true when the files differ from the known state and
    /// two successive looks saw the same files: a writer of several files then had time to finish. The present state
    /// becomes the known state when the result is true.
    bool on_time(Instant now);
    /// The next instant at which on_time() must be called; `never` when no file is watched.
    Instant next_deadline() const { return paths_.empty() ? never : look_at_; }

    /// Looks at the files now. True when they differ from the known state.
    bool has_changed() const { return look() != known_; }
    /// Remembers the present state of the files as the known state.
    void accept();
    const std::vector<std::string>& paths() const { return paths_; }

private:
    struct Stamp {
        std::uint64_t inode = 0;  // 0 = the file does not exist
        std::int64_t size = 0;
        std::int64_t modified_ns = 0;
        std::int64_t changed_ns = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    using Stamps = std::vector<Stamp>;

    Stamps look() const;

    std::vector<std::string> paths_;
    Stamps known_;     // the state that the owner has read or accepted
    Stamps before_;    // the state at the last look
    Instant look_at_;  // the next look
};

}  // namespace ledge::os
