// IP addresses from text and from the system's structures.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge::transport {

/// nullopt: no IPv4 or IPv6 address.
std::optional<IpAddress> ip_address_of(std::string_view text);
std::optional<IpAddress> ip_address_of(const sockaddr_storage& address);

}  // namespace ledge::transport
