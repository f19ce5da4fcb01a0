// LogSink: where log records become lines on standard error, with the time of the calendar or, under systemd, with the
// priority that the journal reads. It never waits for the reader, and no peer can fill the disk with lines.
#pragma once

#include <mutex>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/config/config.hpp"
#include "log_limiter.hpp"
#include "log_output.hpp"

namespace ledge::daemon {

/// Outlives the Log it makes. Lines come from the loop, and now and then from the committer's thread.
class LogSink {
public:
    using ReadClock = Instant (*)();

    explicit LogSink(config::LogFormat format);
    /// For tests: another descriptor, a clock of their own.
    LogSink(config::LogFormat format, int descriptor, bool is_journal, ReadClock clock)
        : format_(format), is_journal_(is_journal), clock_(clock), output_(descriptor) {}
    ~LogSink() { finish(); }
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    Log log(LogLevel threshold) { return Log(threshold, write, this); }

    /// Something waits: lines for the reader, or a count that has not been said yet. Then settle() is called once a
    /// second.
    bool owes() const {
        const std::lock_guard lock(mutex_);
        return output_.has_backlog() || output_.lost() > 0 || limiter_.has_left_out();
    }
    void settle();
    /// Everything that can still be said, within a second.
    void finish();

private:
    static void write(void* self, const LogRecord& record);
    void put(const LogRecord& record);
    void tell_lost();
    void tell_left_out(const std::vector<LogLimiter::LeftOut>& counts);

    config::LogFormat format_;
    bool is_journal_;  // standard error is the journal of systemd, which adds the time
    ReadClock clock_;
    LogOutput output_;
    LogLimiter limiter_;
    std::string line_;          // reused, so that a line costs no allocation
    mutable std::mutex mutex_;  // of all that is above
};

}  // namespace ledge::daemon
