// Endpoint: the address of a listener, as the configuration gives it.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/base/error.hpp"

namespace ledge::transport {

struct Endpoint {
    /// `none`: the listener has no socket of connections; a part of the program serves it (runtime::LoopPart).
    enum class Kind : std::uint8_t { tcp, unix_socket, none };

    Kind kind = Kind::tcp;
    std::string host = "127.0.0.1";  // tcp: an IPv4 or IPv6 address without brackets, a name, or "" = all interfaces
    std::uint16_t port = 1883;       // tcp: 0 = the system chooses the port
    bool is_ipv6_only = false;       // for host "::": true = IPv6 only; false = all interfaces of IPv6 and IPv4
    std::string path;                // unix_socket: the path of the socket's file, at most 107 bytes
};

/// True when the host is a name that the system's resolver has to look up, which may block for any time. Addresses and
/// "localhost" need no look-up, because the resolver would load the libraries of its name services and so enlarge the
/// process.
bool needs_look_up(const Endpoint& endpoint);

/// The endpoint as text: "127.0.0.1:1883", "[::1]:1883", "*:1883", "unix:/run/ledgemq.sock".
std::string to_text(const Endpoint& endpoint);

/// True for an error of opening an endpoint after which a later attempt may succeed: the address or the name may exist
/// once a network comes up.
bool may_pass(const Error& error);

}  // namespace ledge::transport
