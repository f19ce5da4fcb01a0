// The exact check of UTF-8; src/wire/text.hpp has the fast one.
#include "ledge/wire/utf8.hpp"

#include "text.hpp"

namespace ledge::wire {

namespace {

/// Returns the size of the well-formed multi-byte sequence at the front of `text`, or 0 (Unicode table 3-7). `text`
/// must not be empty.
///   C2..DF 80..BF          E0 A0..BF 80..BF      E1..EC,EE,EF 80..BF 80..BF    ED 80..9F 80..BF (no surrogates)
///   F0 90..BF 2x 80..BF    F1..F3 3x 80..BF      F4 80..8F 2x 80..BF (up to U+10FFFF)
std::size_t sequence_size(std::string_view text) {
    LEDGE_ASSERT(!text.empty());
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;

    // The second byte has a smaller range behind E0 and F0 (overlong forms), ED (surrogates) and F4 (above U+10FFFF).
    const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < lowest || byte(1) > highest) return 0;
    for (std::size_t at = 2; at < size; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) return 0;
    }
    return size;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
    if (is_clean<PlainText>(text)) return true;
    while (!text.empty()) {
        // Skip eight clean bytes at once.
        if (text.size() >= 8 && (PlainText::marks(load8(text.data())) & every_high_bit) == 0) {
            text.remove_prefix(8);
            continue;
        }
        const auto lead = static_cast<unsigned char>(text.front());
        if (lead == 0) return false;  // [MQTT-1.5.4-2]
        const std::size_t size = lead < 0x80 ? 1 : sequence_size(text);
        if (size == 0) return false;  // [MQTT-1.5.4-1]
        text.remove_prefix(size);
    }
    return true;
}

bool is_wildcard_free_utf8_slow(std::string_view topic) { return !has_wildcard(topic) && is_valid_utf8(topic); }

}  // namespace ledge::wire
