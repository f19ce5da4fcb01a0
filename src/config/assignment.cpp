// The words for values in complaints, and the characters of keys.
#include "assignment.hpp"

#include <algorithm>
#include <array>

#include "ledge/base/quote.hpp"

namespace ledge::config {
namespace {

// A complaint must fit into a line of a terminal, but a value may have 1 KiB.
constexpr std::size_t shown_bytes_max = 60;

}  // namespace

/// Not std::isalnum(), which accepts further letters in some locales. TOML 1.0 allows these characters only.
bool is_bare_key(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string describe(const Value& value) {
    if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
    if (const auto* number = std::get_if<std::int64_t>(&value)) return "the number " + std::to_string(*number);
    if (std::holds_alternative<double>(value)) return "a number with a fraction";
    if (const auto* other = std::get_if<OtherValue>(&value)) return std::string(other->kind);
    if (std::holds_alternative<TextList>(value)) return "a list";
    std::string_view text = std::get<std::string>(value);
    const bool is_cut = text.size() > shown_bytes_max;
    if (is_cut) {
        // The cut must not split a character: bytes 10xxxxxx continue one (RFC 3629 section 3).
        std::size_t end = shown_bytes_max;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        text = text.substr(0, end);
    }
    return "the text " + quoted(text) + (is_cut ? "..." : "");
}

}  // namespace ledge::config
