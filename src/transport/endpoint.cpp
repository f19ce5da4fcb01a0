#include "ledge/transport/endpoint.hpp"

#include "ledge/base/ip_text.hpp"

namespace ledge::transport {

bool needs_look_up(const Endpoint& endpoint) {
    if (endpoint.kind != Endpoint::Kind::tcp || endpoint.host.empty()) return false;
    return endpoint.host != "localhost" && !parse_ip(endpoint.host);
}

std::string to_text(const Endpoint& endpoint) {
    if (endpoint.kind == Endpoint::Kind::unix_socket) return "unix:" + endpoint.path;
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string host = endpoint.host.empty() ? "*" : is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

}  // namespace ledge::transport
