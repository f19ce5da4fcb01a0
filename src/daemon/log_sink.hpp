// LogSink: writes log records as lines to standard error, to a file or to the syslog daemon. A line begins with the
// date and time, with the priority that the journal of systemd reads, or with the header of syslog. The sink never
// waits for the reader, and no peer can fill the disk with lines.
#pragma once

#include <memory>
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
        : format_(format), clock_(clock) {
        main_ = {is_journal ? Prefix::priority : Prefix::time, {}, std::make_unique<LogOutput>(descriptor)};
    }
    ~LogSink() { finish(); }
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    Log log(LogLevel threshold) { return Log(threshold, write, this); }

    /// From now on lines go where `settings` says. Until end_of_start() they go to the former output too, so that
    /// whoever starts the broker sees why a start fails. Opens the log file with the rights that the process has now;
    /// after an error nothing has changed.
    Result<bool, Error> direct_to(const config::LogSettings& settings);
    void end_of_start();
    /// Opens the log file again, if lines go to a file. For SIGHUP: the file that was renamed is closed although no
    /// line comes.
    void reopen_file();

    /// True: lines wait for the reader, or a count of left-out lines has not been reported. The loop then calls
    /// write_pending() once a second.
    bool has_pending() const {
        const std::lock_guard lock(mutex_);
        return output().has_backlog() || output().lost() > 0 || limiter_.has_left_out();
    }
    /// Writes what waits, and the reports that are due. Never waits for the reader.
    void write_pending();
    /// Writes what waits and all reports; waits for the reader at most one second. For the end of the process.
    void finish();

private:
    /// What stands before the event in a line.
    enum class Prefix : std::uint8_t {
        time,
        priority,  // for the journal, which adds the time itself
        syslog,    // the header of syslog, which has the time and the priority
    };
    struct Target {
        Prefix prefix = Prefix::time;
        config::LogFacility facility{};  // with Prefix::syslog
        std::unique_ptr<LogOutput> output;
    };

    static void write(void* self, const LogRecord& record);
    void put(const LogRecord& record);
    void put(const LogRecord& record, const Target& target);
    void report_file_problem();
    LogOutput& output() const { return *main_.output; }
    void report_lost();
    void report_left_out(const std::vector<LogLimiter::LeftOut>& counts);

    config::LogFormat format_;
    ReadClock clock_;
    Target main_;      // always has an output
    Target at_start_;  // has an output between direct_to() and end_of_start()
    LogLimiter limiter_;
    std::string line_;          // reused, so that a line costs no allocation
    mutable std::mutex mutex_;  // guards limiter_, the outputs and line_
};

}  // namespace ledge::daemon
