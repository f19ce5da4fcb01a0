// The members of JsonWriter.
#include "ledge/base/json.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/base/quote.hpp"

namespace ledge {

/// Writes the comma before every member or element but the first.
void JsonWriter::begin_value() {
    LEDGE_ASSERT(depth_ > 0);
    // JSON allows no comma behind the last value (RFC 8259 section 4), so the comma comes before each further one.
    if (!std::exchange(is_first_, false)) out_ += ',';
}

/// Writes the key of a member.
void JsonWriter::begin(std::string_view key) {
    begin_value();
    append_quoted(key, out_);
    out_ += ':';
}

void JsonWriter::text(std::string_view key, std::string_view value) {
    begin(key);
    append_quoted(value, out_);
}

void JsonWriter::number(std::string_view key, std::int64_t value) {
    begin(key);
    out_ += std::to_string(value);
}

void JsonWriter::number(std::string_view key, std::uint64_t value) {
    begin(key);
    out_ += std::to_string(value);
}

void JsonWriter::number(std::string_view key, double value) {
    // std::isfinite would load the mathematical library, which is 0.3 MB of memory in each broker.
    constexpr double bound = 9.0e12;  // a little less than 2^63 millionths
    if (!(value > -bound && value < bound)) return null(key);
    const auto millionths = static_cast<std::int64_t>(value * 1'000'000 + (value < 0 ? -0.5 : 0.5));
    begin(key);
    if (millionths < 0) out_ += '-';
    const auto size = static_cast<std::uint64_t>(millionths < 0 ? -millionths : millionths);
    out_ += std::to_string(size / 1'000'000);
    std::string places = std::to_string(size % 1'000'000);
    places.insert(0, 6 - places.size(), '0');
    while (places.ends_with('0')) places.pop_back();
    if (!places.empty()) out_ += '.' + places;
}

void JsonWriter::boolean(std::string_view key, bool value) {
    begin(key);
    out_ += value ? "true" : "false";
}

void JsonWriter::null(std::string_view key) {
    begin(key);
    out_ += "null";
}

// JSON strings must be Unicode (RFC 8259 section 8.1). Other bytes get another key, so that a reader cannot take the
// hexadecimal text for the value.
void JsonWriter::bytes(std::string_view key, Bytes value) {
    if (is_utf8(as_text(value))) return text(key, as_text(value));
    hex(std::string(key) + "_hex", value);
}

void JsonWriter::hex(std::string_view key, Bytes value) {
    begin(key);
    out_ += '"';
    // Hexadecimal digits need no escape.
    for (const Byte byte : value) append_hex(byte, 2, out_);
    out_ += '"';
}

void JsonWriter::begin_list(std::string_view key) {
    begin(key);
    out_ += '[';
    // The first element has no comma. close() resets this for the members behind the list.
    is_first_ = true;
    ++depth_;
}

void JsonWriter::begin_object(std::string_view key) {
    begin(key);
    out_ += '{';
    is_first_ = true;
    ++depth_;
}

void JsonWriter::begin_list() {
    begin_value();
    out_ += '[';
    is_first_ = true;
    ++depth_;
}

void JsonWriter::element(std::uint64_t value) {
    begin_value();
    out_ += std::to_string(value);
}

void JsonWriter::element(std::string_view value) {
    begin_value();
    append_quoted(value, out_);
}

void JsonWriter::begin_object() {
    begin_value();
    // Each object of a list begins a line, so that a long list can be read and searched by lines.
    out_ += "\n{";
    is_first_ = true;
    ++depth_;
}

void JsonWriter::close(char bracket) {
    LEDGE_ASSERT(depth_ > 1);  // only finish() ends the outermost object
    out_ += bracket;
    is_first_ = false;
    --depth_;
}

std::string JsonWriter::finish(bool ends_line) {
    LEDGE_ASSERT(depth_ == 1);
    depth_ = 0;  // every later call fails its assertion
    out_ += ends_line ? "}\n" : "}";
    return std::move(out_);
}

}  // namespace ledge
