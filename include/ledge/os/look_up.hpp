// Asks the system's resolver (hosts file, DNS and what else nsswitch.conf names) for the addresses of a name.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/os/address.hpp"

namespace ledge::os {

enum class NameKind : std::uint8_t {
    any,      // may wait for half a minute: not on a loop's thread while it serves
    numeric,  // an address as text, also with a zone ("fe80::1%eth0"); never waits, loads no resolver library
};

/// IPv4 and IPv6 addresses for streams, port 0, in the order in which they should be tried; at most `addresses_max`.
/// May be empty. The error is the system's reason: "Name or service not known".
Result<std::vector<SocketAddress>, std::string> look_up(const std::string& name, NameKind kind,
                                                        std::size_t addresses_max);

}  // namespace ledge::os
