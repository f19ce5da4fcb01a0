#include "json_line.hpp"

#include <utility>

#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"

namespace ledge::storage {
namespace {

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
    append_quoted(value, line_);
}

void JsonLine::bytes(std::string_view key, Bytes value) {
    if (is_utf8(as_text(value))) return text(key, as_text(value));
    hex(std::string(key) + "_hex", value);
}

void JsonLine::hex(std::string_view key, Bytes value) {
    begin(key);
    line_ += '"';
    for (const Byte byte : value) append_hex(byte, 2, line_);
    line_ += '"';
}

std::string JsonLine::finish() {
    line_ += "}\n";
    return std::move(line_);
}

}  // namespace ledge::storage
