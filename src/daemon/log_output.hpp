// LogOutput: the descriptor that log lines go to. The broker never waits for whoever reads the other end: a line that
// the descriptor does not accept now waits in a bounded backlog, and a line that finds the backlog full is counted and
// left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

/// Used on one thread.
class LogOutput {
public:
    static constexpr std::size_t backlog_bytes_max = 256 * 1024;

    /// `descriptor` stays open and stays the caller's.
    explicit LogOutput(int descriptor);
    ~LogOutput() = default;
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;

    /// A line with its end, written whole or not at all, in order. Never waits.
    void write(std::string_view line);
    /// Writes what waits, as far as the descriptor accepts it. True: nothing waits any more.
    bool drain();
    /// Waits for the reader until nothing waits any more, a second at most. For the end of the process.
    void finish();

    bool has_backlog() const { return !backlog_.empty(); }
    /// Lines left out that nobody has been told of.
    std::uint64_t lost() const { return lost_; }
    void set_lost(std::uint64_t lines) { lost_ = lines; }

private:
    /// How a write is kept from waiting.
    enum class Way : std::uint8_t {
        send,      // a socket (journald): a flag of each call
        own,       // a pipe or a terminal, opened once more: O_NONBLOCK of ours is nobody else's
        polled,    // the same where it cannot be opened again: asked before each write
        blocking,  // a regular file, whose writes end by themselves
        closed,    // nobody is told
    };

    static constexpr long refused = -1;  // for good, for this line: a full disk, no reader any more
    /// Bytes accepted, 0 when the descriptor accepts nothing now, or `refused`.
    long try_write(std::string_view text) const;
    bool reopen(int descriptor);

    int descriptor_;           // of the caller, or that of reopened_
    os::Descriptor reopened_;  // Way::own
    Way way_ = Way::blocking;
    std::string backlog_;
    std::uint64_t lost_ = 0;
};

}  // namespace ledge::daemon
