// Decodes UTF-8 one character at a time, for text that people read (log lines, configuration). The stricter check of
// MQTT strings is in wire/utf8.hpp. Stateless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledge/base/assert.hpp"

namespace ledge {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;  // bytes; 0 = the bytes are not UTF-8
};

/// Decodes the first character of `text`, which must not be empty. Surrogates, overlong forms and values above
/// U+10FFFF are not UTF-8 (RFC 3629 section 3).
inline CodePoint decode_utf8(std::string_view text) {
    LEDGE_ASSERT(!text.empty());
    const auto first = static_cast<std::uint8_t>(text.front());
    if (first < 0x80) return {first, 1};
    // C0 and C1 could only begin overlong forms, and F5 to FF only values above U+10FFFF.
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
    // The first byte has `length` high bits set and one bit clear; the bits behind them belong to the value.
    std::uint32_t value = first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        // Every following byte begins with the bits 10.
        if ((byte & 0xC0U) != 0x80) return {};
        value = (value << 6U) | (byte & 0x3FU);
    }
    // A value below the smallest one of its length is overlong.
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[length] || is_surrogate || value > 0x10FFFF) return {};
    return {value, length};
}

/// True when the whole text is UTF-8. MQTT has further rules for its strings; they are in wire/utf8.hpp.
inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const CodePoint c = decode_utf8(text);
        if (c.length == 0) return false;
        text.remove_prefix(c.length);
    }
    return true;
}

}  // namespace ledge
