// LogOutput: writes log lines to a descriptor without waiting for its reader. A line that the descriptor does not
// accept now waits in a bounded backlog. A line that finds the backlog full is counted and left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {

/// Owned by LogSink, under its mutex.
class LogOutput {
public:
    static constexpr std::size_t backlog_bytes_max = 256 * 1024;

    /// The caller keeps `descriptor` and closes it, if at all, after this object is gone.
    explicit LogOutput(int descriptor);
    ~LogOutput() = default;
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;

    /// Writes a line, which ends with '\n'. Lines are written in order, and each one whole or not at all. Never waits.
    void write(std::string_view line);
    /// Writes the backlog, as far as the descriptor accepts it. True: the backlog is empty.
    bool drain();
    /// Writes the backlog and waits for the reader, at most one second. For the end of the process.
    void finish();

    bool has_backlog() const { return !backlog_.empty(); }
    /// Lines that were left out and not reported yet.
    std::uint64_t lost() const { return lost_; }
    void set_lost(std::uint64_t lines) { lost_ = lines; }

private:
    /// The way to write without waiting.
    enum class WriteMode : std::uint8_t {
        send,      // a socket (journald): send() with MSG_DONTWAIT
        reopened,  // a pipe or a terminal: opened once more, with an O_NONBLOCK that no other process shares
        polled,    // a pipe or a terminal that cannot be opened again: poll() before each write
        blocking,  // a regular file: write() does not wait for a reader
        closed,    // not open: lines are discarded
    };

    static constexpr long refused = -1;  // this line cannot be written: the disk is full, or the reader is gone
    /// Returns the bytes that were written; 0 = the descriptor accepts nothing now; or `refused`.
    long try_write(std::string_view text) const;
    /// False: the system does not allow it.
    bool reopen(int descriptor);

    int descriptor_;           // the descriptor of the caller, or that of reopened_
    os::Descriptor reopened_;  // WriteMode::reopened
    WriteMode mode_ = WriteMode::blocking;
    std::string backlog_;
    std::uint64_t lost_ = 0;
};

}  // namespace ledge::daemon
