#include "ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

namespace ledge::transport {

std::optional<IpAddress> ip_address_of(std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string terminated(text);
    std::array<std::uint8_t, 4> four{};
    if (::inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return mapped_ipv4(four);
    IpAddress six{};
    if (::inet_pton(AF_INET6, terminated.c_str(), six.data()) == 1) return six;
    return std::nullopt;
}

std::string to_text(const IpAddress& address) {
    constexpr Network mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, mapped_prefix_bits};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool is_ipv4 = mapped.contains(address);
    ::inet_ntop(is_ipv4 ? AF_INET : AF_INET6, address.data() + (is_ipv4 ? 12 : 0), text.data(), text.size());
    return text.data();
}

std::optional<IpAddress> ip_address_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in value{};
        std::memcpy(&value, &address, sizeof value);
        std::array<std::uint8_t, 4> four{};
        std::memcpy(four.data(), &value.sin_addr, four.size());
        return mapped_ipv4(four);
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 value{};
        std::memcpy(&value, &address, sizeof value);
        IpAddress six{};
        std::memcpy(six.data(), &value.sin6_addr, six.size());
        return six;
    }
    return std::nullopt;
}

}  // namespace ledge::transport
