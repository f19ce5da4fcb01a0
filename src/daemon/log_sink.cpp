// text: 2026-11-22T16:15:24.123Z info ready addresses=127.0.0.1:1883
// json: {"time":"2026-11-22T16:15:24.123Z","level":"info","event":"ready","addresses":"127.0.0.1:1883"}
#include "log_sink.hpp"

#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "ledge/runtime/clock.hpp"

namespace ledge::daemon {
namespace {

/// RFC 3339, UTC, milliseconds.
void append_time(std::string& out) {
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(runtime::read_wall_clock());
    const auto milliseconds = now.time_since_epoch().count();
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
    out.append(text, length);
    const auto fraction = static_cast<unsigned>(milliseconds % 1000);
    for (const unsigned divisor : {100U, 10U, 1U}) out += static_cast<char>('0' + fraction / divisor % 10);
    out += 'Z';
}

/// One write for a line, so that lines of several processes on one pipe do not mix. A line that cannot be written is
/// lost: the broker serves on.
void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

void LogSink::write(void* self, const LogRecord& record) {
    auto& sink = *static_cast<LogSink*>(self);
    std::string& line = sink.line_;
    line.clear();
    if (sink.format_ == config::LogFormat::json) {
        line += "{\"time\":\"";
        append_time(line);
        line += "\",";
        format_json(record, line);
        line += '}';
    } else {
        append_time(line);
        line += ' ';
        format_text(record, line);
    }
    line += '\n';
    write_all(line);
}

}  // namespace ledge::daemon
