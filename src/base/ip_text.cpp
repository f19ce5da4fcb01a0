// Parses and writes IP addresses.
#include "ledge/base/ip_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace ledge {
namespace {

constexpr std::size_t groups_of_address = 8;  // of 16 bits

// IPv4 addresses are kept as IPv4-mapped IPv6 addresses (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2).
constexpr Network mapped_ipv4_network{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, mapped_prefix_bits};

/// Parses a number with at most `digits_max` digits and a value of at most `limit`. nullopt = the text is not such a
/// number.
std::optional<unsigned> number_of(std::string_view text, int base, std::size_t digits_max, unsigned limit) {
    unsigned value = 0;
    if (text.size() > digits_max) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    // from_chars() stops at the first other character, so the whole text must be used up.
    if (error != std::errc() || end != text.data() + text.size() || value > limit) return std::nullopt;
    return value;
}

/// Parses groups of hexadecimal digits with colons between them, and appends them to `groups` at index `count`. An IPv4
/// address may stand in place of the last two groups. False = the text is something else, or has too many groups.
bool append_groups(std::string_view text, std::array<std::uint16_t, groups_of_address>& groups, std::size_t& count) {
    while (!text.empty()) {
        const std::size_t colon = std::min(text.find(':'), text.size());
        const std::string_view group = text.substr(0, colon);
        // RFC 4291 section 2.2: the last 32 bits may be written as an IPv4 address.
        if (const auto four = colon == text.size() ? parse_ipv4(group) : std::nullopt) {
            if (count + 2 > groups.size()) return false;
            // The IPv4 address is in the last four bytes of the mapped address.
            for (const std::size_t at : {12U, 14U})
                groups[count++] = static_cast<std::uint16_t>((*four)[at] << 8U | (*four)[at + 1]);
            return true;
        }
        const auto value = number_of(group, 16, 4, 0xFFFF);
        if (!value || count == groups.size()) return false;
        groups[count++] = static_cast<std::uint16_t>(*value);
        if (colon + 1 == text.size()) return false;  // the text ends with a single colon
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return true;
}

/// The longest run of at least two zero groups, which "::" replaces. Of several equally long runs, the first one counts
/// (RFC 5952 section 4.2). Without such a run, `begin` is groups_of_address.
struct ZeroRun {
    std::size_t begin = groups_of_address;
    std::size_t size = 1;
};

ZeroRun longest_zero_run(const std::array<unsigned, groups_of_address>& groups) {
    ZeroRun longest;
    std::size_t size = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        size = groups[i] == 0 ? size + 1 : 0;
        // `>` and not `>=`, so the first of equal runs stays. A single zero group is not shortened (RFC 5952 section
        // 4.2.2).
        if (size > longest.size) longest = {i + 1 - size, size};
    }
    return longest;
}

}  // namespace

std::optional<IpAddress> parse_ipv4(std::string_view text) {
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        const bool is_last = i + 1 == bytes.size();
        // Exactly four parts: a dot follows every part but the last. Short forms such as "10.1" are refused.
        if (is_last != (dot == text.size())) return std::nullopt;
        const std::string_view digits = text.substr(0, dot);
        if (digits.size() > 1 && digits.front() == '0') return std::nullopt;  // some programs read "010" as octal
        const auto byte = number_of(digits, 10, 3, 0xFF);
        if (!byte) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(*byte);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return mapped_ipv4(bytes);
}

std::optional<IpAddress> parse_ipv6(std::string_view text) {
    std::array<std::uint16_t, groups_of_address> groups{};
    std::size_t count = 0;
    // The groups before "::" go to the front of the address, the groups behind "::" to its end; zeros stay between.
    const std::size_t gap = text.find("::");
    if (!append_groups(text.substr(0, gap), groups, count)) return std::nullopt;
    if (gap != std::string_view::npos) {
        std::array<std::uint16_t, groups_of_address> behind{};
        std::size_t behind_count = 0;
        if (!append_groups(text.substr(gap + 2), behind, behind_count)) return std::nullopt;
        if (count + behind_count >= groups.size()) return std::nullopt;  // the gap stands for at least one group
        std::copy_n(behind.begin(), behind_count, groups.end() - static_cast<std::ptrdiff_t>(behind_count));
    } else if (count != groups.size()) {
        return std::nullopt;
    }
    IpAddress address{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        address[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8U);
        address[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return address;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
    // IPv4 first: both forms are never valid for the same text.
    const auto four = parse_ipv4(text);
    return four ? four : parse_ipv6(text);
}

bool is_ipv4(const IpAddress& address) { return mapped_ipv4_network.contains(address); }

std::string ip_text(const IpAddress& address) {
    // Enough for an IPv4 address, or for one group of an IPv6 address.
    char text[40];
    if (is_ipv4(address)) {
        std::snprintf(text, sizeof text, "%u.%u.%u.%u", address[12], address[13], address[14], address[15]);
        return text;
    }
    std::array<unsigned, groups_of_address> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = unsigned{address[2 * i]} << 8U | address[2 * i + 1];
    const ZeroRun run = longest_zero_run(groups);
    std::string result;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == run.begin) {
            result += "::";
            i += run.size - 1;
            continue;
        }
        // No colon at the start, and none behind "::".
        if (!result.empty() && result.back() != ':') result += ':';
        std::snprintf(text, sizeof text, "%x", groups[i]);
        result += text;
    }
    return result;
}

}  // namespace ledge
