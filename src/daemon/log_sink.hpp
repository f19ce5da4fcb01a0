// LogSink: writes log records as lines to standard error. A line begins with the date and time or, under systemd, with
// the priority that the journal reads. The sink never waits for the reader, and no peer can fill the disk with lines.
#pragma once

#include <mutex>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/config/settings.hpp"
#include "log_limiter.hpp"
#include "log_output.hpp"

namespace ledge::daemon {

/// Owned by serve(); must outlive the Log of log(). The threads of the loop and of the committer write, so a mutex
/// guards the members.
class LogSink {
public:
    using ReadClock = Instant (*)();

    explicit LogSink(config::LogFormat format);
    /// For tests: another descriptor and another clock.
    LogSink(config::LogFormat format, int descriptor, bool is_journal, ReadClock clock)
        : format_(format), is_journal_(is_journal), clock_(clock), output_(descriptor) {}
    ~LogSink() { finish(); }
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    Log log(LogLevel threshold) { return Log(threshold, write, this); }

    /// True: lines wait for the reader, or a count of left-out lines has not been reported. The loop then calls
    /// write_pending() once a second.
    bool has_pending() const {
        const std::lock_guard lock(mutex_);
        return output_.has_backlog() || output_.lost() > 0 || limiter_.has_left_out();
    }
    /// Writes what waits, and the reports that are due. Never waits for the reader.
    void write_pending();
    /// Writes what waits and all reports; waits for the reader at most one second. For the end of the process.
    void finish();

private:
    static void write(void* self, const LogRecord& record);
    void put(const LogRecord& record);
    void report_lost();
    void report_left_out(const std::vector<LogLimiter::LeftOut>& counts);

    config::LogFormat format_;
    bool is_journal_;  // standard error goes to the journal of systemd, which adds the time
    ReadClock clock_;
    LogOutput output_;
    LogLimiter limiter_;
    std::string line_;          // reused, so that a line costs no allocation
    mutable std::mutex mutex_;  // guards limiter_, output_ and line_
};

}  // namespace ledge::daemon
