// The two line formats of the log. Texts that a peer chose (client ids, topics) appear only as values, and no value can
// end its line, forge a field or move the cursor of a terminal.
#include "ledge/base/log.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "ledge/base/code_point.hpp"
#include "ledge/base/log_events.hpp"
#include "ledge/base/quote.hpp"

namespace ledge {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    // Not reached: the switch names every level.
    return "unknown";
}

namespace {

constexpr std::size_t value_bytes_max = 400;  // bytes of one value in the line, escapes included

/// True for control characters (C0, C1, DEL), line and paragraph separators, and characters that change the direction
/// of text on a screen.
bool is_unprintable(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

void append_number(std::int64_t value, std::string& out) {
    // The longest number of 64 bits has 20 characters with its sign.
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    out.append(digits, end);
}

/// Appends `text` so that it may stand between double quotes; if `is_json`, as the inside of a JSON string. The text
/// format writes a byte that is not UTF-8 as \xNN. JSON has no such escape, so the JSON format writes U+FFFD instead. A
/// long text is cut, and its whole length is appended: "abc...(of 900 bytes)". Otherwise a peer with long names could
/// fill the disk.
void append_escaped(std::string_view text, bool is_json, std::string& out) {
    const std::size_t whole = text.size();
    const std::size_t begin = out.size();
    while (!text.empty()) {
        if (out.size() - begin >= value_bytes_max) {
            out += "...(of ";
            append_number(static_cast<std::int64_t>(whole), out);
            out += " bytes)";
            return;
        }
        const CodePoint c = decode_utf8(text);
        // A byte that is not UTF-8 is one step, so the loop always ends.
        const std::size_t length = std::max<std::size_t>(c.length, 1);
        if (c.length == 0) {
            if (is_json) {
                out += "\\ufffd";
            } else {
                out += "\\x";
                append_hex(static_cast<std::uint8_t>(text.front()), 2, out);
            }
        } else if (c.value == '"' || c.value == '\\') {
            // These two characters would end the value or begin an escape.
            out += '\\';
            out += static_cast<char>(c.value);
        } else if (c.value == '\n') {
            out += "\\n";
        } else if (is_unprintable(c.value)) {  // each of these characters fits into four digits
            out += "\\u";
            append_hex(c.value, 4, out);
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
}

void append_value(std::string_view text, bool is_json, std::string& out) {
    out += '"';
    append_escaped(text, is_json, out);
    out += '"';
}

/// True when the text may be written without quotes: printable ASCII without space, quote, backslash and '=', and short
/// enough to be written without a cut.
bool is_bare_word(std::string_view text) {
    return !text.empty() && text.size() <= value_bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '=';
    });
}

}  // namespace

void format_text(const LogRecord& record, std::string& out) {
    out += name_of(record.level);
    out += ' ';
    out += record.event;
    for (const LogField& field : record.fields) {
        out += ' ';
        out += field.key;
        out += '=';
        if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            append_number(*number, out);
            // Most values need no quotes, and a line without them is easier to read and to search.
        } else if (const auto text = std::get<std::string_view>(field.value); is_bare_word(text)) {
            out += text;
        } else {
            append_value(text, false, out);
        }
    }
}

void format_json(const LogRecord& record, std::string& out) {
    // Without the outer braces, because the caller adds the time in front.
    out += "\"level\":";
    append_value(name_of(record.level), true, out);
    out += ",\"event\":";
    append_value(record.event, true, out);
    for (const LogField& field : record.fields) {
        out += ',';
        append_value(field.key, true, out);
        out += ':';
        if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            append_number(*number, out);
        } else {
            append_value(std::get<std::string_view>(field.value), true, out);
        }
    }
}

void Log::write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const {
    if (enabled(level)) sink_(context_, LogRecord{level, event, {fields.begin(), fields.size()}});
}

void Log::debug(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::debug, event, fields);
}

void Log::info(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::info, event, fields);
}

void Log::warning(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::warning, event, fields);
}

void Log::error(std::string_view event, std::initializer_list<LogField> fields) const {
    write(LogLevel::error, event, fields);
}

}  // namespace ledge
