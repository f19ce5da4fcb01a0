// IP addresses as text, both ways, without asking the system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge {

/// Reads "192.0.2.7" or "2001:db8::1" exactly as inet_pton(3) does: decimal without leading zeros, at most four
/// hexadecimal digits a group, no port, no brackets, no zone. nullopt: the text is something else.
std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<IpAddress> parse_ipv4(std::string_view text);
std::optional<IpAddress> parse_ipv6(std::string_view text);

/// "192.0.2.7", "2001:db8::1" (RFC 5952). A mapped IPv4 address is shown as IPv4.
std::string ip_text(const IpAddress& address);

/// The address is a mapped IPv4 address, ::ffff:0:0/96.
bool is_ipv4(const IpAddress& address);

}  // namespace ledge
