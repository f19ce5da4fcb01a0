#include "ledge/base/network.hpp"

#include <charconv>
#include <cstdio>
#include <optional>

namespace ledge {
namespace {

// network_id := IPv4: 0x0000FFFF:u32 address:u32 | IPv6: the first 64 bits of the address
// No host has an address in 0:ffff::/32, and the network of ::1, which is all zeros, is counted as 1: 0 means none.
constexpr std::uint64_t ipv4_mark = 0xFFFFULL << 32U;
constexpr std::uint64_t zeros_network = 1;

constexpr std::size_t groups_of_address = 8;  // of 16 bits

/// Up to `limit` in the base; nullopt: it is no such number.
std::optional<unsigned> number_of(std::string_view text, int base, unsigned limit) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value > limit) return std::nullopt;
    return value;
}

std::optional<IpAddress> ipv4_of(std::string_view text) {
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        const bool is_last = i + 1 == bytes.size();
        if (is_last != (dot == text.size())) return std::nullopt;
        const auto byte = number_of(text.substr(0, dot), 10, 0xFF);
        if (!byte) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(*byte);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return mapped_ipv4(bytes);
}

/// Groups of hexadecimal digits with colons between them, the last of which may be an IPv4 address. Appends them;
/// false: it is something else, or too much.
bool append_groups(std::string_view text, std::array<std::uint16_t, groups_of_address>& groups, std::size_t& count) {
    while (!text.empty()) {
        const std::size_t colon = std::min(text.find(':'), text.size());
        const std::string_view group = text.substr(0, colon);
        if (const auto four = colon == text.size() ? ipv4_of(group) : std::nullopt) {
            if (count + 2 > groups.size()) return false;
            for (const std::size_t at : {12U, 14U})
                groups[count++] = static_cast<std::uint16_t>((*four)[at] << 8U | (*four)[at + 1]);
            return true;
        }
        const auto value = number_of(group, 16, 0xFFFF);
        if (!value || count == groups.size()) return false;
        groups[count++] = static_cast<std::uint16_t>(*value);
        if (colon + 1 == text.size()) return false;  // it ends with a single colon
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return true;
}

std::optional<IpAddress> ipv6_of(std::string_view text) {
    text = text.substr(0, text.find('%'));
    std::array<std::uint16_t, groups_of_address> groups{};
    std::size_t count = 0;
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

}  // namespace

NetworkId network_of(const IpAddress& address) {
    const auto number = [&address](std::size_t from, std::size_t to) {
        std::uint64_t value = 0;
        for (std::size_t i = from; i < to; ++i) value = value << 8U | address[i];
        return value;
    };
    constexpr Network mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, mapped_prefix_bits};
    if (mapped.contains(address)) return NetworkId{ipv4_mark | number(12, 16)};
    return NetworkId{std::max(number(0, 8), zeros_network)};
}

NetworkId network_of(std::string_view peer) {
    const std::string_view host = host_of(peer);
    if (const auto four = ipv4_of(host)) return network_of(*four);
    if (const auto six = ipv6_of(host)) return network_of(*six);
    return NetworkId::none;
}

std::string to_text(NetworkId network) {
    auto value = static_cast<std::uint64_t>(network);
    if (value == 0) return {};
    char text[32];
    if (value >> 32U == 0xFFFF) {
        const auto byte = [value](unsigned shift) { return static_cast<unsigned>(value >> shift & 0xFFU); };
        std::snprintf(text, sizeof text, "%u.%u.%u.%u", byte(24), byte(16), byte(8), byte(0));
        return text;
    }
    if (value == zeros_network) value = 0;
    const auto group = [value](unsigned shift) { return static_cast<unsigned>(value >> shift & 0xFFFFU); };
    std::snprintf(text, sizeof text, "%x:%x:%x:%x::/64", group(48), group(32), group(16), group(0));
    return text;
}

std::string_view host_of(std::string_view peer) {
    if (peer.starts_with('[')) return peer.substr(1, std::min(peer.find(']'), peer.size()) - 1);
    const std::size_t colon = peer.find(':');
    const bool has_port = colon != std::string_view::npos && peer.find(':', colon + 1) == std::string_view::npos;
    return has_port ? peer.substr(0, colon) : peer;
}

}  // namespace ledge
