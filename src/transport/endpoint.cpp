// Endpoint: the text of an address to listen on, and whether its host must be looked up.
#include "ledge/transport/endpoint.hpp"

#include "ledge/base/ip_text.hpp"

namespace ledge::transport {

bool needs_look_up(const Endpoint& endpoint) {
    if (endpoint.kind != Endpoint::Kind::tcp || endpoint.host.empty()) return false;
    // RFC 6761 section 6.3: "localhost" is this machine, and no name server may be asked about it.
    return endpoint.host != "localhost" && !parse_ip(endpoint.host);
}

std::string to_text(const Endpoint& endpoint) {
    if (endpoint.kind == Endpoint::Kind::unix_socket) return "unix:" + endpoint.path;
    // Brackets separate an IPv6 address from the port (RFC 3986 section 3.2.2).
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string host = endpoint.host.empty() ? "*" : is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

}  // namespace ledge::transport
