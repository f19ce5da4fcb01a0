// The two line formats of the log. What a peer chose (client ids, topics) appears in values only, and no value can
// end its line, forge a field or move the cursor of a terminal.
#include "ledge/base/log.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace ledge {
namespace {

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    return "unknown";
}

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;  // bytes; 0: not UTF-8
};

CodePoint decode_utf8(std::string_view text) {
    const auto first = static_cast<std::uint8_t>(text.front());
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
    std::uint32_t value = first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if ((byte & 0xC0U) != 0x80) return {};
        value = (value << 6U) | (byte & 0x3FU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[length] || is_surrogate || value > 0x10FFFF) return {};
    return {value, length};
}

/// Controls (C0, C1, DEL), line and paragraph separators, and what changes the direction of the text.
bool is_unprintable(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

void append_hex(std::uint32_t value, unsigned digits, std::string& out) {
    for (unsigned i = digits; i-- > 0;) out += "0123456789abcdef"[(value >> (4 * i)) & 0xFU];
}

/// Between double quotes; valid as the inside of a JSON string when `is_json`. Text shows a byte that is not UTF-8 as
/// \xNN; JSON has no such escape and gets U+FFFD.
void append_escaped(std::string_view text, bool is_json, std::string& out) {
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text);
        const std::size_t length = std::max<std::size_t>(c.length, 1);
        if (c.length == 0) {
            if (is_json) {
                out += "\\ufffd";
            } else {
                out += "\\x";
                append_hex(static_cast<std::uint8_t>(text.front()), 2, out);
            }
        } else if (c.value == '"' || c.value == '\\') {
            out += '\\';
            out += static_cast<char>(c.value);
        } else if (c.value == '\n') {
            out += "\\n";
        } else if (is_unprintable(c.value)) {  // all of them fit four digits
            out += "\\u";
            append_hex(c.value, 4, out);
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
}

void append_quoted(std::string_view text, bool is_json, std::string& out) {
    out += '"';
    append_escaped(text, is_json, out);
    out += '"';
}

/// Printable ASCII without space, quote, backslash and '='.
bool is_bare_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '=';
    });
}

void append_number(std::int64_t value, std::string& out) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    out.append(digits, end);
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
        } else if (const auto text = std::get<std::string_view>(field.value); is_bare_word(text)) {
            out += text;
        } else {
            append_quoted(text, false, out);
        }
    }
}

void format_json(const LogRecord& record, std::string& out) {
    out += "\"level\":";
    append_quoted(name_of(record.level), true, out);
    out += ",\"event\":";
    append_quoted(record.event, true, out);
    for (const LogField& field : record.fields) {
        out += ',';
        append_quoted(field.key, true, out);
        out += ':';
        if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
            append_number(*number, out);
        } else {
            append_quoted(std::get<std::string_view>(field.value), true, out);
        }
    }
}

}  // namespace ledge
