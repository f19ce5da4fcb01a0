// Turns records into lines. A line has one of these forms:
// text:    2026-11-22T16:15:24.123Z info ready addresses=127.0.0.1:1883
// journal: <6>info ready addresses=127.0.0.1:1883
// json:    {"time":"2026-11-22T16:15:24.123Z","level":"info","event":"ready","addresses":"127.0.0.1:1883"}
#include "log_sink.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "ledge/runtime/clock.hpp"

namespace ledge::daemon {
namespace {

/// Appends the current time as in RFC 3339, in UTC, with milliseconds.
void append_time(std::string& out) {
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(runtime::read_wall_clock());
    const auto milliseconds = now.time_since_epoch().count();
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    // UTC, so that clock changes in spring and autumn neither repeat nor skip an hour in the log.
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
    out.append(text, length);
    const auto fraction = static_cast<unsigned>(milliseconds % 1000);
    for (const unsigned divisor : {100U, 10U, 1U}) out += static_cast<char>('0' + fraction / divisor % 10);
    out += 'Z';
}

/// The prefix from which the journal of systemd takes the level of a line (sd-daemon(3)).
std::string_view priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "<7>";
        case LogLevel::info: return "<6>";
        case LogLevel::warning: return "<4>";
        case LogLevel::error: return "<3>";
    }
    return "";
}

/// systemd sets JOURNAL_STREAM to "DEVICE:INODE" of the socket that it has given as standard error (systemd.exec(5)).
/// If standard error is redirected afterwards, its numbers differ.
bool is_journal(int descriptor) {
    const char* variable = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (variable == nullptr || ::fstat(descriptor, &status) != 0) return false;
    return variable == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace

// The time and the priority exclude each other: the journal adds the time of each line itself.
LogSink::LogSink(config::LogFormat format)
    : LogSink(format, STDERR_FILENO, is_journal(STDERR_FILENO), runtime::read_clock) {}

void LogSink::write(void* self, const LogRecord& record) {
    auto& sink = *static_cast<LogSink*>(self);
    const std::lock_guard lock(sink.mutex_);
    // The report of lost lines comes before the line, so that it stands where the lines are missing.
    if (!sink.limiter_.admits(record, sink.clock_())) return;
    sink.report_lost();
    sink.put(record);
}

void LogSink::put(const LogRecord& record) {
    // clear() keeps the memory of the text, so a usual line allocates nothing.
    line_.clear();
    if (is_journal_) line_ += priority_of(record.level);
    if (format_ == config::LogFormat::json) {
        line_ += "{\"time\":\"";
        append_time(line_);
        line_ += "\",";
        format_json(record, line_);
        line_ += '}';
    } else {
        if (!is_journal_) {
            append_time(line_);
            line_ += ' ';
        }
        format_text(record, line_);
    }
    line_ += '\n';
    output_.write(line_);
}

/// Reports the lost lines as soon as the reader has caught up. If the report itself is lost, the count is kept and
/// reported later.
void LogSink::report_lost() {
    if (output_.lost() == 0 || !output_.drain()) return;
    const std::uint64_t lost = output_.lost();
    output_.set_lost(0);
    const LogField fields[] = {{"lines", lost}, {"reason", "the reader of the log did not read"}};
    put({LogLevel::warning, "log_lines_lost", fields});
    if (output_.lost() > 0) output_.set_lost(lost);  // the report was lost
}

void LogSink::report_left_out(const std::vector<LogLimiter::LeftOut>& counts) {
    for (const LogLimiter::LeftOut& count : counts) {
        const LogField fields[] = {{"event", count.event}, {"address", count.address}, {"lines", count.lines}};
        put({LogLevel::warning, "log_lines_left_out", fields});
    }
}

void LogSink::write_pending() {
    const std::lock_guard lock(mutex_);
    output_.drain();
    report_lost();
    report_left_out(limiter_.take_due(clock_()));
}

void LogSink::finish() {
    const std::lock_guard lock(mutex_);
    // All counts are due now: nobody could report them later.
    report_left_out(limiter_.take_all());
    // First the backlog: the report about lost lines can be written only when the reader has caught up.
    output_.finish();
    report_lost();
}

}  // namespace ledge::daemon
