#include "ledge/transport/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace ledge::transport {

std::string to_text(const Endpoint& endpoint) {
    if (endpoint.kind == Endpoint::Kind::unix_socket) return "unix:" + endpoint.path;
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    const std::string host = endpoint.host.empty() ? "*" : is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(endpoint.port);
}

namespace {

std::string ipv4_text(const void* address, std::uint16_t port) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, address, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(port);
}

std::string ipv6_text(const sockaddr_in6& address) {
    const std::uint16_t port = ntohs(address.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) return ipv4_text(&address.sin6_addr.s6_addr[12], port);
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(port);
}

}  // namespace

std::string to_text(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in ipv4{};
        std::memcpy(&ipv4, &address, sizeof ipv4);
        return ipv4_text(&ipv4.sin_addr, ntohs(ipv4.sin_port));
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 ipv6{};
        std::memcpy(&ipv6, &address, sizeof ipv6);
        return ipv6_text(ipv6);
    }
    return "unix";
}

}  // namespace ledge::transport
