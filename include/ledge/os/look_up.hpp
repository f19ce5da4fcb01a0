// look_up(): asks the system's resolver (hosts file, DNS and the other sources in nsswitch.conf) for the addresses of a
// name. Any thread may call it.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/os/address.hpp"

namespace ledge::os {

enum class NameKind : std::uint8_t {
    any,      // a name or an address; the call may wait for half a minute, so a loop should not make it while serving
    numeric,  // an address as text, possibly with a zone ("fe80::1%eth0"); the call never waits and loads no library
};

/// Returns at most `addresses_max` IPv4 and IPv6 addresses for stream sockets, with port 0, in the order in which the
/// caller should try them. The list may be empty. The code of an error is of resolver_category().
Result<std::vector<SocketAddress>, Error> look_up(const std::string& name, NameKind kind, std::size_t addresses_max);

/// The codes of getaddrinfo(3), EAI_AGAIN and so on. A network that comes up later may end such an error.
const std::error_category& resolver_category();

}  // namespace ledge::os
