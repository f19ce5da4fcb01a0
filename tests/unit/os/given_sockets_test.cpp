#include "ledge/os/given_sockets.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

using namespace ledge::os;

namespace {

Descriptor bound(int type, const SocketAddress& address) {
    Descriptor socket(::socket(address.family(), type, 0));
    REQUIRE(::bind(socket.get(), address.get(), address.size()) == 0);
    return socket;
}

}  // namespace

TEST_CASE("a given socket is found by its type and address, once") {
    GivenSockets sockets;
    sockets.add({"a", bound(SOCK_STREAM, SocketAddress::loopback_ipv4(0)), true});
    sockets.add({"b", bound(SOCK_DGRAM, SocketAddress::loopback_ipv4(0)), false});
    REQUIRE(sockets.left().size() == 2);
    const std::string text = sockets.left()[0];
    const auto port = static_cast<std::uint16_t>(std::stoi(text.substr(text.find(':') + 1)));
    const SocketAddress address = SocketAddress::loopback_ipv4(port);
    CHECK(!sockets.take(SOCK_DGRAM, address));
    CHECK(!sockets.take(SOCK_STREAM, SocketAddress::any_ipv4(port)));
    const auto taken = sockets.take(SOCK_STREAM, address);
    REQUIRE(taken.has_value());
    CHECK(taken->name == "a");
    CHECK(own_address(taken->socket.get()) == address);
    CHECK(!sockets.take(SOCK_STREAM, address));
    CHECK(sockets.left().size() == 1);
    sockets.clear();
    CHECK(sockets.left().empty());
}

TEST_CASE("given sockets of one name and type are found together") {
    GivenSockets sockets(GivenSockets::From::service_manager);
    for (int i = 0; i < 2; ++i) sockets.add({"web", bound(SOCK_STREAM, SocketAddress::loopback_ipv4(0))});
    sockets.add({"web", bound(SOCK_DGRAM, SocketAddress::loopback_ipv4(0))});
    sockets.add({"", bound(SOCK_STREAM, SocketAddress::loopback_ipv4(0))});
    CHECK(sockets.take_named(SOCK_STREAM, "").empty());
    CHECK(sockets.take_named(SOCK_STREAM, "we").empty());
    CHECK(sockets.take_named(SOCK_STREAM, "web").size() == 2);
    CHECK(sockets.take_named(SOCK_STREAM, "web").empty());
    CHECK(sockets.left().size() == 2);
}

TEST_CASE("a duplicate is the same socket, and outlives the first descriptor") {
    Descriptor socket = bound(SOCK_STREAM, SocketAddress::loopback_ipv4(0));
    const SocketAddress address = own_address(socket.get());
    const Descriptor second = duplicate(socket.get());
    socket.reset();
    CHECK(own_address(second.get()) == address);
    CHECK(!duplicate(no_descriptor).is_open());
}
