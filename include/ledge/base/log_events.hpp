// The table of all log events. `ledgemq events` prints this table as the reference, and the tests compare each log line
// with its row. Constant data; any thread may read the table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ledge/base/log.hpp"

namespace ledge {

struct LogEvent {
    std::string_view name;     // in snake_case; never changes, because operators search for it
    std::string_view levels;   // "info", or "info warning" when the level depends on the cause
    std::string_view fields;   // keys separated by spaces, in the order of the line; '?' at the end: not in every line
    std::string_view meaning;  // whole sentences: what happened
    std::string_view action;   // whole sentences: what the operator does about the event
};

/// Returns "debug", "info", "warning" or "error", the words in log lines and in the table.
std::string_view name_of(LogLevel level);
/// Returns all events, sorted by name.
std::span<const LogEvent> log_events();
/// Returns the row of the event with this name, or nullptr.
const LogEvent* find_log_event(std::string_view name);
/// Returns why the line does not match its row in the table, for example "ready: the field 'x' is not declared".
/// Returns an empty text when the line matches.
std::string mismatch_with_table(const LogRecord& record);
/// Appends one paragraph for each event, or, if `is_json`, one JSON object for each event, each on its own line.
void print_log_events(bool is_json, std::string& out);

}  // namespace ledge
