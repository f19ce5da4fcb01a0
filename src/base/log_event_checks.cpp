// Compares log lines with the table of log_events.cpp, and prints the table.
#include <algorithm>

#include "ledge/base/json.hpp"
#include "ledge/base/log_events.hpp"

namespace ledge {
namespace {

/// Removes the first word from `words` and returns it. Returns an empty word at the end.
std::string_view next_word(std::string_view& words) {
    const std::size_t begin = std::min(words.find_first_not_of(' '), words.size());
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    const std::string_view word = words.substr(begin, end - begin);
    words.remove_prefix(end);
    return word;
}

bool has_word(std::string_view words, std::string_view wanted) {
    for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
        if (word == wanted) return true;
    }
    return false;
}

bool has_field(const LogRecord& record, std::string_view key) {
    return std::ranges::any_of(record.fields, [key](const LogField& field) { return field.key == key; });
}

/// Every field of the line must be declared, with or without '?'. Every declared field without '?' must be in the line.
std::string mismatch_of_fields(const LogRecord& record, std::string_view declared) {
    for (const LogField& field : record.fields) {
        if (!has_word(declared, field.key) && !has_word(declared, std::string(field.key) + '?'))
            return "the field '" + std::string(field.key) + "' is not declared";
    }
    for (std::string_view word = next_word(declared); !word.empty(); word = next_word(declared)) {
        if (!word.ends_with('?') && !has_field(record, word)) return "the field '" + std::string(word) + "' is missing";
    }
    return {};
}

void print_paragraph(const LogEvent& event, std::string& out) {
    out.append(event.name).append(" (").append(event.levels).append(")\n");
    if (!event.fields.empty()) out.append("    Fields: ").append(event.fields).append("\n");
    out.append("    ").append(event.meaning).append("\n");
    out.append("    What to do: ").append(event.action).append("\n\n");
}

void print_object(const LogEvent& event, std::string& out) {
    JsonWriter json;
    json.text("name", event.name);
    json.text("levels", event.levels);
    json.text("fields", event.fields);
    json.text("meaning", event.meaning);
    json.text("action", event.action);
    out += json.finish();
}

}  // namespace

std::string mismatch_with_table(const LogRecord& record) {
    const std::string event(record.event);
    const LogEvent* row = find_log_event(record.event);
    if (row == nullptr) return event + ": the event is not in the table (src/base/log_events.cpp)";
    if (!has_word(row->levels, name_of(record.level)))
        return event + ": the level '" + std::string(name_of(record.level)) + "' is not declared";
    const std::string wrong = mismatch_of_fields(record, row->fields);
    return wrong.empty() ? wrong : event + ": " + wrong;
}

void print_log_events(bool is_json, std::string& out) {
    for (const LogEvent& event : log_events()) is_json ? print_object(event, out) : print_paragraph(event, out);
}

}  // namespace ledge
