#include "json_line.hpp"

#include <utility>

#include "ledge/base/code_point.hpp"

namespace ledge::storage {
namespace {

constexpr char digits[] = "0123456789abcdef";

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text);
        if (c.length == 0) return false;
        text.remove_prefix(c.length);
    }
    return true;
}

}  // namespace

void JsonLine::begin(std::string_view key) {
    if (line_.size() > 1) line_ += ',';
    line_ += '"';
    line_ += key;
    line_ += "\":";
}

void JsonLine::number(std::string_view key, std::int64_t value) {
    begin(key);
    line_ += std::to_string(value);
}

void JsonLine::number(std::string_view key, std::uint64_t value) {
    begin(key);
    line_ += std::to_string(value);
}

void JsonLine::boolean(std::string_view key, bool value) {
    begin(key);
    line_ += value ? "true" : "false";
}

void JsonLine::text(std::string_view key, std::string_view value) {
    begin(key);
    line_ += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') line_ += '\\';
        if (byte < 0x20 || byte == 0x7F) {
            line_ += "\\u00";
            line_ += digits[byte >> 4U];
            line_ += digits[byte & 0xFU];
        } else {
            line_ += c;
        }
    }
    line_ += '"';
}

void JsonLine::bytes(std::string_view key, Bytes value) {
    if (is_utf8(as_text(value))) return text(key, as_text(value));
    hex(std::string(key) + "_hex", value);
}

void JsonLine::hex(std::string_view key, Bytes value) {
    begin(key);
    line_ += '"';
    for (const Byte byte : value) {
        line_ += digits[byte >> 4U];
        line_ += digits[byte & 0xFU];
    }
    line_ += '"';
}

std::string JsonLine::finish() {
    line_ += "}\n";
    return std::move(line_);
}

}  // namespace ledge::storage
