// look_up(): asks the system's resolver (hosts file, DNS and the other sources in nsswitch.conf) for the addresses of a
// name. Any thread may call it.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/os/address.hpp"

namespace ledge::os {

enum class NameKind : std::uint8_t {
    any,      // a name or an address; the call may wait for half a minute, so a loop should not make it while serving
    numeric,  // an address as text, possibly with a zone ("fe80::1%eth0"); the call never waits and loads no library
};

/// Returns at most `addresses_max` IPv4 and IPv6 addresses for stream sockets, with port 0, in the order in which the
/// caller should try them. The list may be empty. The error is the system's reason: "Name or service not known".
Result<std::vector<SocketAddress>, std::string> look_up(const std::string& name, NameKind kind,
                                                        std::size_t addresses_max);

}  // namespace ledge::os
