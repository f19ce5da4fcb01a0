// Turns records into lines. A line has one of these forms:
// text:    2026-11-22T16:15:24.123Z info ready addresses=127.0.0.1:1883
// journal: <6>info ready addresses=127.0.0.1:1883
// syslog:  <30>Nov 22 16:15:24 ledgemq[812]: info ready addresses=127.0.0.1:1883
// json:    {"time":"2026-11-22T16:15:24.123Z","level":"info","event":"ready","addresses":"127.0.0.1:1883"}
// A line of JSON has the prefix of the journal or of syslog as well, if it goes there.
#include "log_sink.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <utility>

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

/// The numbers of syslog(3): user = 1, daemon = 3, local0 to local7 = 16 to 23.
int number_of(config::LogFacility facility) {
    switch (facility) {
        case config::LogFacility::user: return 1;
        case config::LogFacility::daemon: return 3;
        case config::LogFacility::local0:
        case config::LogFacility::local1:
        case config::LogFacility::local2:
        case config::LogFacility::local3:
        case config::LogFacility::local4:
        case config::LogFacility::local5:
        case config::LogFacility::local6:
        case config::LogFacility::local7: break;
    }
    return 16 + static_cast<int>(facility) - static_cast<int>(config::LogFacility::local0);
}

/// systemd sets JOURNAL_STREAM to "DEVICE:INODE" of the socket that it has given as standard error (systemd.exec(5)).
/// If standard error is redirected afterwards, its numbers differ.
bool is_journal(int descriptor) {
    const char* variable = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (variable == nullptr || ::fstat(descriptor, &status) != 0) return false;
    return variable == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

/// Cuts a line for syslog, whose readers accept only short ones. `line` ends with '\n' before and after.
void cut_for_syslog(std::string& line) {
    constexpr std::string_view mark = "...";
    // The line end is not sent.
    if (line.size() - 1 <= syslog_line_bytes_max) return;
    std::size_t end = syslog_line_bytes_max - mark.size();
    // The cut must not split a character: bytes 10xxxxxx continue one (RFC 3629 section 3).
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
    line.resize(end);
    line += mark;
    line += '\n';
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
    sink.report_file_problem();
}

void LogSink::put(const LogRecord& record) {
    if (at_start_.output) put(record, at_start_);
    put(record, main_);
}

void LogSink::put(const LogRecord& record, const Target& target) {
    // clear() keeps the memory of the text, so a usual line allocates nothing.
    line_.clear();
    if (target.prefix == Prefix::priority) {
        line_ += '<';
        line_ += static_cast<char>('0' + severity_of(record.level));
        line_ += '>';
    } else if (target.prefix == Prefix::syslog) {
        append_syslog_header(number_of(target.facility), record.level, line_);
    }
    if (format_ == config::LogFormat::json) {
        line_ += "{\"time\":\"";
        append_time(line_);
        line_ += "\",";
        format_json(record, line_);
        line_ += '}';
    } else {
        if (target.prefix == Prefix::time) {
            append_time(line_);
            line_ += ' ';
        }
        format_text(record, line_);
    }
    line_ += '\n';
    if (target.prefix == Prefix::syslog) cut_for_syslog(line_);
    target.output->write(line_);
}

Result<bool, Error> LogSink::direct_to(const config::LogSettings& settings) {
    const std::lock_guard lock(mutex_);
    Target target;
    switch (settings.target) {
        case config::LogTarget::standard_error: return true;
        case config::LogTarget::file: {
            LogFile file(settings.file);
            if (auto opened = file.open(); !opened) return opened;
            target = {Prefix::time, {}, std::make_unique<LogOutput>(std::move(file))};
            break;
        }
        case config::LogTarget::syslog:
            target = {Prefix::syslog, settings.facility,
                      std::make_unique<LogOutput>(SyslogSocket(settings.syslog_socket))};
            break;
    }
    at_start_ = std::exchange(main_, std::move(target));
    return true;
}

void LogSink::end_of_start() {
    const std::lock_guard lock(mutex_);
    if (at_start_.output) at_start_.output->finish();
    at_start_.output.reset();
}

void LogSink::reopen_file() {
    const std::lock_guard lock(mutex_);
    output().reopen_file();
    report_file_problem();
}

/// The line goes into the file under its former name, where the operator finds the lines that are missing.
void LogSink::report_file_problem() {
    const std::string problem = output().take_file_problem();
    if (problem.empty()) return;
    const LogField fields[] = {{"reason", problem}, {"outcome", "lines go on into the file that was open before"}};
    put({LogLevel::error, "log_file_not_opened", fields});
}

/// Reports the lost lines as soon as the reader has caught up. If the report itself is lost, the count is kept and
/// reported later.
void LogSink::report_lost() {
    if (output().lost() == 0 || !output().drain()) return;
    const std::uint64_t lost = output().lost();
    output().set_lost(0);
    const std::string reason = output().loss_reason();
    const LogField fields[] = {{"lines", lost}, {"reason", reason}};
    put({LogLevel::warning, "log_lines_lost", fields});
    if (output().lost() > 0) output().set_lost(lost);  // the report was lost
}

void LogSink::report_left_out(const std::vector<LogLimiter::LeftOut>& counts) {
    for (const LogLimiter::LeftOut& count : counts) {
        const LogField fields[] = {{"event", count.event}, {"address", count.address}, {"lines", count.lines}};
        put({LogLevel::warning, "log_lines_left_out", fields});
    }
}

void LogSink::write_pending() {
    const std::lock_guard lock(mutex_);
    output().drain();
    report_lost();
    report_left_out(limiter_.take_due(clock_()));
}

void LogSink::finish() {
    const std::lock_guard lock(mutex_);
    // All counts are due now: nobody could report them later.
    report_left_out(limiter_.take_all());
    if (at_start_.output) at_start_.output->finish();
    // First the backlog: the report about lost lines can be written only when the reader has caught up.
    output().finish();
    report_lost();
}

}  // namespace ledge::daemon
