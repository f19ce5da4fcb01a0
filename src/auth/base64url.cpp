// Base64url without padding (RFC 4648 section 5), as tokens use it (RFC 7515 section 2). Each sequence of bytes has
// exactly one accepted spelling.
#include "base64url.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::auth {
namespace {

constexpr unsigned no_digit = 64;

unsigned digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
    if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26;
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : no_digit;
}

}  // namespace

std::optional<std::vector<Byte>> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;  // one digit has only 6 bits, too few for a byte
    std::vector<Byte> out;
    out.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    unsigned count = 0;  // bits that have not become a byte
    for (const char c : text) {
        const unsigned digit = digit_of(c);
        if (digit == no_digit) return std::nullopt;
        bits = ((bits << 6U) | digit) & 0xFFFFU;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out.push_back(static_cast<Byte>(bits >> count));
    }
    LEDGE_ASSERT(count < 8);
    if ((bits & ((1U << count) - 1U)) != 0) return std::nullopt;  // an encoder leaves zeros at the end
    return out;
}

std::string encode_base64url(Bytes bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    unsigned bits = 0;
    unsigned count = 0;  // bits that have not become a digit
    for (const Byte byte : bytes) {
        bits = ((bits << 8U) | byte) & 0xFFFFU;
        for (count += 8; count >= 6; count -= 6) out += digits[(bits >> (count - 6)) & 63U];
    }
    if (count > 0) out += digits[(bits << (6 - count)) & 63U];
    return out;
}

}  // namespace ledge::auth
