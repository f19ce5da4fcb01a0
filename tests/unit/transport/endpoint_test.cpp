#include "ledge/transport/endpoint.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include <cstring>

namespace ledge::transport {
namespace {

template <class Address>
sockaddr_storage stored(const Address& address) {
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    return storage;
}

sockaddr_storage ipv4(const char* text, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    REQUIRE(::inet_pton(AF_INET, text, &address.sin_addr) == 1);
    return stored(address);
}

sockaddr_storage ipv6(const char* text, std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    REQUIRE(::inet_pton(AF_INET6, text, &address.sin6_addr) == 1);
    return stored(address);
}

TEST_CASE("a peer's address is written so that its port can be told apart") {
    CHECK(to_text(ipv4("192.0.2.7", 51123)) == "192.0.2.7:51123");
    CHECK(to_text(ipv6("2001:db8::1", 5)) == "[2001:db8::1]:5");
    CHECK(to_text(ipv6("::ffff:192.0.2.7", 80)) == "192.0.2.7:80");
    sockaddr_storage local{};
    local.ss_family = AF_UNIX;
    CHECK(to_text(local) == "unix");
}

TEST_CASE("an endpoint is written as its owner would") {
    Endpoint endpoint;
    CHECK(to_text(endpoint) == "127.0.0.1:1883");
    endpoint.host = "::1";
    CHECK(to_text(endpoint) == "[::1]:1883");
    endpoint.host = "";
    endpoint.port = 8883;
    CHECK(to_text(endpoint) == "*:8883");
    endpoint.kind = Endpoint::Kind::unix_socket;
    endpoint.path = "/run/ledgemq.sock";
    CHECK(to_text(endpoint) == "unix:/run/ledgemq.sock");
}

}  // namespace
}  // namespace ledge::transport
