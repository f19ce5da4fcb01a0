#include "ledge/base/base64.hpp"

#include <algorithm>

namespace ledge {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

// Three bytes are four digits of six bits. A last group of one or two bytes is filled with '='.
std::string encode_base64(Bytes bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = (group << 8U) | (i < count ? bytes[at + i] : 0U);
        for (std::size_t i = 0; i < 4; ++i) text += i <= count ? base64_digits[(group >> (18U - 6U * i)) & 0x3FU] : '=';
    }
    return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        std::string_view group = text.substr(at, 4);
        // Only the last group may be short, and it keeps at least two digits.
        if (at + 4 == text.size()) group = group.substr(0, std::max<std::size_t>(2, group.find_last_not_of('=') + 1));
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t digit = i < group.size() ? base64_digits.find(group[i]) : 0;
            if (digit == std::string_view::npos) return std::nullopt;
            value = (value << 6U) | static_cast<std::uint32_t>(digit);
        }
        const std::size_t count = group.size() - 1;
        for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> (16U - 8U * i) & 0xFFU);
        // The bits behind the last byte must be zero, so that each text has one meaning.
        if ((value & ((1U << (24U - 8U * count)) - 1U)) != 0) return std::nullopt;
    }
    return bytes;
}

}  // namespace ledge
