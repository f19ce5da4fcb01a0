// LogSink: where log records become lines on standard error, with the time of the calendar in front.
#pragma once

#include <string>

#include "ledge/base/log.hpp"
#include "ledge/config/config.hpp"

namespace ledge::daemon {

/// Used on one thread. Outlives the Log it makes.
class LogSink {
public:
    explicit LogSink(config::LogFormat format) : format_(format) {}
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    Log log(LogLevel threshold) { return Log(threshold, write, this); }

private:
    static void write(void* self, const LogRecord& record);

    config::LogFormat format_;
    std::string line_;  // reused, so that a line costs no allocation
};

}  // namespace ledge::daemon
