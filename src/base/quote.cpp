// Quoted text and hexadecimal digits.
#include "ledge/base/quote.hpp"

#include "ledge/base/assert.hpp"

namespace ledge {

void append_hex(std::uint32_t value, unsigned digits, std::string& out) {
    LEDGE_ASSERT(digits > 0 && digits <= 8);  // more digits would shift by more than 32 bits
    for (unsigned i = digits; i-- > 0;) out += "0123456789abcdef"[(value >> (4 * i)) & 0xFU];
}

void append_quoted(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        // JSON (RFC 8259 section 7) and TOML basic strings share these escapes.
        if (c == '"' || c == '\\') out += '\\';
        if (byte < 0x20 || byte == 0x7F) {  // JSON allows DEL as it is, TOML does not
            out += "\\u";
            append_hex(byte, 4, out);
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string quoted(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_quoted(text, out);
    return out;
}

}  // namespace ledge
