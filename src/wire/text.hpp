// Fast checks of text, eight bytes at a time. A fast check can only prove that a text is correct. A text without such a
// proof goes to the slow, exact check. Private to wire. Stateless.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "ledge/base/assert.hpp"

namespace ledge::wire {

inline constexpr std::uint64_t every_byte = 0x0101010101010101U;
inline constexpr std::uint64_t every_high_bit = 0x80 * every_byte;

inline std::uint64_t load8(const char* from) {
    // memcpy() and not a cast, because the text may begin at any address.
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}
inline std::uint64_t load4(const char* from) {
    std::uint32_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

/// Returns 1 to 7 bytes of text as a word of 8 bytes. Bytes of the same text fill the word, so they add no new value.
inline std::uint64_t load_short(std::string_view text) {
    const std::size_t size = text.size();
    LEDGE_ASSERT(size > 0 && size < 8);
    if (size >= 4) return load4(text.data()) | load4(text.data() + size - 4) << 32U;
    const auto byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(text[at])}; };
    return byte(0) * (every_byte << 16U) | byte(size / 2) << 8U | byte(size - 1);
}

/// Sets the high bit of bytes that are 0x00 or above 0x7F. If the word has such a byte, at least one high bit is set;
/// high bits of other bytes may be set too.
struct PlainText {
    static std::uint64_t marks(std::uint64_t word) { return word | (word - every_byte); }
};

/// As PlainText, and also marks '#' (0x23) and '+' (0x2B). These two differ in one bit only, so one comparison finds
/// both.
struct PlainTopic {
    static std::uint64_t marks(std::uint64_t word) {
        const std::uint64_t wildcard = (word | 0x08 * every_byte) ^ 0x2B * every_byte;
        return word | (word - every_byte) | (wildcard - every_byte);
    }
};

/// True only if no byte of `text` is marked. The marks are collected, so the whole text needs one branch.
template <class Marker>
bool is_clean(std::string_view text) {
    const char* at = text.data();
    const std::size_t size = text.size();
    std::uint64_t marks = 0;
    if (size < 8) {
        if (size == 0) return true;
        marks = Marker::marks(load_short(text));
    } else {
        // The last word ends with the text, so no byte behind the text is read.
        const char* last = at + size - 8;
        for (; at < last; at += 8) marks |= Marker::marks(load8(at));
        marks |= Marker::marks(load8(last));  // may overlap the word before
    }
    return (marks & every_high_bit) == 0;
}

inline bool has_wildcard(std::string_view topic) { return topic.find_first_of("+#") != std::string_view::npos; }

/// True for valid UTF-8 without '+' and '#' [MQTT-3.3.2-2], of any length, including 0.
bool is_wildcard_free_utf8_slow(std::string_view topic);
inline bool is_wildcard_free_utf8(std::string_view topic) {
    return is_clean<PlainTopic>(topic) || is_wildcard_free_utf8_slow(topic);
}

}  // namespace ledge::wire
