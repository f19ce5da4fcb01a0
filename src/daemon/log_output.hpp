// LogOutput: writes log lines to a descriptor, a file or the syslog daemon without waiting for their reader. A line
// that is not accepted now waits in a bounded backlog. A line that finds the backlog full is counted and left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/os/descriptor.hpp"
#include "log_file.hpp"
#include "syslog_socket.hpp"

namespace ledge::daemon {

/// Owned by LogSink, under its mutex.
class LogOutput {
public:
    static constexpr std::size_t backlog_bytes_max = 256 * 1024;

    /// The caller keeps `descriptor` and closes it, if at all, after this object is gone.
    explicit LogOutput(int descriptor);
    /// Requires that the file is open.
    explicit LogOutput(LogFile file) : mode_(WriteMode::file), file_(std::move(file)) {}
    explicit LogOutput(SyslogSocket socket) : mode_(WriteMode::datagrams), syslog_(std::move(socket)) {}
    ~LogOutput() = default;
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;

    /// Writes a line, which ends with '\n'. Lines are written in order, and each one whole or not at all. Never waits.
    void write(std::string_view line);
    /// Opens the file of the log again. Nothing happens with another kind of output.
    void reopen_file();
    /// As LogFile::take_problem(); "" with another kind of output.
    std::string take_file_problem() { return file_.take_problem(); }
    /// Writes the backlog, as far as the descriptor accepts it. True: the backlog is empty.
    bool drain();
    /// Writes the backlog and waits for the reader, at most one second. For the end of the process.
    void finish();

    bool has_backlog() const { return !backlog_.empty(); }
    /// Lines that were left out and not reported yet.
    std::uint64_t lost() const { return lost_; }
    void set_lost(std::uint64_t lines) { lost_ = lines; }
    /// Why lines were left out, for the report about them.
    std::string loss_reason() const;

private:
    /// The way to write without waiting.
    enum class WriteMode : std::uint8_t {
        send,       // a socket (journald): send() with MSG_DONTWAIT
        reopened,   // a pipe or a terminal: opened once more, with an O_NONBLOCK that no other process shares
        polled,     // a pipe or a terminal that cannot be opened again: poll() before each write
        blocking,   // a regular file behind the given descriptor: write() does not wait for a reader
        file,       // log.file: the same, and the name is followed
        datagrams,  // the syslog daemon: each line is one datagram without its line end
        closed,     // not open: lines are discarded
    };

    static constexpr long refused = -1;  // this line cannot be written: the disk is full, or the reader is gone
    /// Returns the bytes that were written; 0 = the descriptor accepts nothing now; or `refused`.
    long try_write(std::string_view text);
    long try_write_line(std::string_view text);
    /// False: the system does not allow it.
    bool reopen(int descriptor);

    int descriptor_ = os::no_descriptor;  // the descriptor of the caller, or that of reopened_
    os::Descriptor reopened_;             // WriteMode::reopened
    WriteMode mode_ = WriteMode::blocking;
    LogFile file_;           // WriteMode::file
    SyslogSocket syslog_;    // WriteMode::datagrams
    int refusal_errno_ = 0;  // of the last line that was refused
    std::string backlog_;
    std::uint64_t lost_ = 0;
};

}  // namespace ledge::daemon
