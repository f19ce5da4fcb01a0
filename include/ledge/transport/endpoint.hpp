// Endpoint: where a listener listens, as the configuration says it.
#pragma once

#include <cstdint>
#include <string>

namespace ledge::transport {

struct Endpoint {
    enum class Kind : std::uint8_t { tcp, unix_socket };

    Kind kind = Kind::tcp;
    std::string host = "127.0.0.1";  // tcp: IPv4 or IPv6 address without brackets, a name, or "" for every interface
    std::uint16_t port = 1883;       // tcp: 0 lets the system choose
    bool is_ipv6_only = false;       // host "::": IPv6 alone; otherwise it stands for every interface, as "" does
    std::string path;                // unix_socket: at most 107 bytes
};

/// Why nobody listens on an endpoint.
struct ListenProblem {
    std::string text;       // a sentence with the address and the system's reason
    bool may_pass = false;  // the address is not there yet: a network that comes up later brings it
};

/// "127.0.0.1:1883", "[::1]:1883", "*:1883", "unix:/run/ledgemq.sock".
std::string to_text(const Endpoint& endpoint);

}  // namespace ledge::transport
