// Log: structured events. The core names an event and its fields; the sink, which the daemon or a test provides, adds
// the time and writes the line. A Log is used on the thread of its owner, unless its sink may be called from several
// threads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace ledge {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One `key=value` of a line. A field borrows its texts for the call.
struct LogField {
    std::string_view key;
    std::variant<std::string_view, std::int64_t> value;

    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
    LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
    template <class Integer>
        requires std::is_integral_v<Integer> LogField(std::string_view k, Integer v)
            : key(k), value(static_cast<std::int64_t>(v)) {}
};

struct LogRecord {
    LogLevel level;
    std::string_view event;  // the event's name in snake_case, for example "client_refused"; a name never changes
    std::span<const LogField> fields;
};

class Log {
public:
    using Sink = void (*)(void* context, const LogRecord& record);

    /// A log without a sink writes nothing.
    Log() = default;
    Log(LogLevel threshold, Sink sink, void* context) : threshold_(threshold), sink_(sink), context_(context) {}

    bool enabled(LogLevel level) const { return sink_ != nullptr && level >= threshold_; }
    void set_threshold(LogLevel threshold) { threshold_ = threshold; }

    // Cold: a delivered message causes no log line, so the compiler moves the code that makes a line out of the way.
    [[gnu::cold]] void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {}) const;
    [[gnu::cold]] void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    [[gnu::cold]] void info(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    [[gnu::cold]] void warning(std::string_view event, std::initializer_list<LogField> fields = {}) const;
    [[gnu::cold]] void error(std::string_view event, std::initializer_list<LogField> fields = {}) const;

private:
    LogLevel threshold_ = LogLevel::info;
    Sink sink_ = nullptr;
    void* context_ = nullptr;
};

/// Appends `info client_refused client_id="a b" address=192.0.2.7:51123`. Values with control bytes, quotes or spaces
/// are quoted and escaped, so that no peer can forge a line.
void format_text(const LogRecord& record, std::string& out);
/// Appends the members of a JSON object: `"level":"info","event":"client_refused","client_id":"a b"`. The caller writes
/// the braces around them and the time.
void format_json(const LogRecord& record, std::string& out);

}  // namespace ledge
