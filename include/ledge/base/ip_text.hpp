// Converts IP addresses to text and back. Stateless; makes no system call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge {

/// Parses "192.0.2.7" or "2001:db8::1" exactly as inet_pton(3) does: decimal numbers without leading zeros, at most
/// four hexadecimal digits in a group, no port, no brackets, no zone. nullopt = the text is not such an address.
std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<IpAddress> parse_ipv4(std::string_view text);
std::optional<IpAddress> parse_ipv6(std::string_view text);

/// Writes "192.0.2.7" or "2001:db8::1" (RFC 5952). A mapped IPv4 address is written as IPv4.
std::string ip_text(const IpAddress& address);

/// True for a mapped IPv4 address, one in ::ffff:0:0/96.
bool is_ipv4(const IpAddress& address);

}  // namespace ledge
