// IP addresses from text and from the system's structures.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge::transport {

/// nullopt: no IPv4 or IPv6 address.
std::optional<IpAddress> ip_address_of(std::string_view text);
/// "192.0.2.7", "2001:db8::1": without a port. A mapped IPv4 address is shown as IPv4.
std::string to_text(const IpAddress& address);
std::optional<IpAddress> ip_address_of(const sockaddr_storage& address);

}  // namespace ledge::transport
