// The table of all log events: the reference that `ledgemq events` prints, and what the tests hold every line against.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ledge/base/log.hpp"

namespace ledge {

struct LogEvent {
    std::string_view name;     // in snake_case, never changed: operators search for it
    std::string_view levels;   // "info", or "info warning" when the level depends on the cause
    std::string_view fields;   // separated by spaces, in the order of the line; a trailing '?' marks an optional one
    std::string_view meaning;  // one sentence: what happened
    std::string_view action;   // one sentence: what the operator does about it
};

/// "debug", "info", "warning", "error": in lines and in the table.
std::string_view name_of(LogLevel level);
/// Sorted by name.
std::span<const LogEvent> log_events();
/// nullptr: no event has this name.
const LogEvent* find_log_event(std::string_view name);
/// Why the line does not match its row in the table ("ready: the field 'x' is not declared"); empty when it does.
std::string mismatch_with_table(const LogRecord& record);
/// One paragraph for each event, or one JSON object a line.
void print_log_events(bool is_json, std::string& out);

}  // namespace ledge
