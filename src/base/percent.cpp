// Percent-encoding and its inverse.
#include "ledge/base/percent.hpp"

#include <charconv>

namespace ledge {
namespace {

/// RFC 3986 section 2.3.
bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

}  // namespace

std::string percent_encoded(std::string_view text) {
    // Upper case, as RFC 3986 section 2.1 recommends.
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size() * 3);  // so that no copies of a secret stay behind
    for (const char c : text) {
        // char may be signed; shifting a negative value would give a wrong index.
        const auto byte = static_cast<unsigned char>(c);
        // All other characters are encoded, because each of them has a meaning in some part of a URI.
        if (is_unreserved(c)) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        if (text.size() - i < 3) return std::nullopt;  // the text ends inside the escape
        const char* end = text.data() + i + 3;
        const auto read = std::from_chars(text.data() + i + 1, end, value, 16);
        // from_chars() accepts a single digit, so both digits must be used up.
        if (read.ptr != end || read.ec != std::errc()) return std::nullopt;
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

}  // namespace ledge
