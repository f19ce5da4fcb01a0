#include "ledge/os/address.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netdb.h>
#include <sys/un.h>
#include <unistd.h>

#include <random>
#include <string>

#include "ledge/base/ip_text.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/os/look_up.hpp"

using namespace ledge;
using namespace ledge::os;

namespace {

std::string text_of(const char* ip, std::uint16_t port) { return to_text(SocketAddress(*parse_ip(ip), port)); }

/// What inet_pton makes of a text, as text again; "" when it refuses.
std::string by_system(const std::string& text) {
    IpAddress six{};
    std::array<std::uint8_t, 4> four{};
    if (::inet_pton(AF_INET, text.c_str(), four.data()) == 1) return ip_text(mapped_ipv4(four));
    return ::inet_pton(AF_INET6, text.c_str(), six.data()) == 1 ? ip_text(six) : std::string();
}

}  // namespace

TEST_CASE("an address is written so that its port can be told apart") {
    CHECK(text_of("192.0.2.7", 51123) == "192.0.2.7:51123");
    CHECK(text_of("2001:db8::1", 5) == "[2001:db8::1]:5");
    CHECK(text_of("::ffff:192.0.2.7", 80) == "192.0.2.7:80");
    CHECK(to_text(SocketAddress()) == "unix");
    CHECK(to_text(*SocketAddress::of_path("/run/x")) == "unix");
    CHECK(to_text(SocketAddress::any_ipv4(1)) == "0.0.0.0:1");
    CHECK(to_text(SocketAddress::any_ipv6(1)) == "[::]:1");
    CHECK(to_text(SocketAddress::loopback_ipv4(1)) == "127.0.0.1:1");
    CHECK(to_text(SocketAddress::loopback_ipv6(1)) == "[::1]:1");
}

TEST_CASE("an IPv4 peer of an IPv6 socket is an IPv4 peer") {
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = htons(80);
    REQUIRE(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr) == 1);
    const SocketAddress address(reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped);
    CHECK(address.family() == AF_INET6);
    CHECK(address.ip() == parse_ip("192.0.2.7"));
    CHECK(to_text(address) == "192.0.2.7:80");
}

TEST_CASE("the port can be changed, and the rest stays") {
    for (const char* ip : {"192.0.2.7", "2001:db8::1"}) {
        SocketAddress address(*parse_ip(ip), 1);
        address.set_port(0xABCD);
        CHECK(address.port() == 0xABCD);
        CHECK(address.ip() == parse_ip(ip));
    }
    CHECK(SocketAddress().port() == 0);
    CHECK(!SocketAddress().ip());
}

TEST_CASE("a Unix address has a path or an abstract name, of at most 107 bytes") {
    CHECK(SocketAddress::of_path(std::string(107, 'x')).has_value());
    CHECK(!SocketAddress::of_path(std::string(108, 'x')));
    CHECK(!SocketAddress::of_path(""));
    const auto name = SocketAddress::of_abstract_name("ledge");
    REQUIRE(name.has_value());
    CHECK(name->size() == offsetof(sockaddr_un, sun_path) + 6);
    CHECK(!SocketAddress::of_abstract_name(std::string(108, 'x')));
}

TEST_CASE("a connection is accepted with the address of its peer") {
    const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const SocketAddress wanted = SocketAddress::loopback_ipv4(0);
    REQUIRE(::bind(listener.get(), wanted.get(), wanted.size()) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    const SocketAddress bound = own_address(listener.get());
    CHECK(bound.ip() == wanted.ip());
    CHECK(bound.port() != 0);
    SocketAddress peer;
    CHECK(!accept_from(listener.get(), peer).is_open());
    const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), bound.get(), bound.size()) == 0);
    CHECK(accept_from(listener.get(), peer).is_open());
    CHECK(to_text(peer) == to_text(own_address(client.get())));
    CHECK(!own_address(-1).ip());
}

TEST_CASE("text is read as the system reads it: samples, and mutations of them") {
    std::minstd_rand random(7);  // NOLINT: the same texts in every run
    const std::string samples[] = {"192.0.2.7",
                                   "255.255.255.255",
                                   "0.0.0.0",
                                   "01.2.3.4",
                                   "1.2.3",
                                   "2001:db8::1",
                                   "::",
                                   "::1",
                                   "1::",
                                   "1:2:3:4:5:6:7:8",
                                   "::ffff:1.2.3.4",
                                   "1:2:3:4:5:6:7::",
                                   "::2:3:4:5:6:7:8",
                                   "fe80::1%eth0",
                                   "1::2::3",
                                   "12345::",
                                   "1:2:3:4:5:6:1.2.3.4",
                                   ":1",
                                   "1:",
                                   ""};
    for (const std::string& sample : samples) {
        for (int i = 0; i < 2000; ++i) {
            std::string text = sample;
            for (auto changes = random() % 3; changes > 0 && !text.empty(); --changes) {
                const std::size_t at = random() % text.size();
                const char with = "0123456789abF:.%g"[random() % 17];
                if (random() % 3 == 0)
                    text.erase(at, 1);
                else if (random() % 2 == 0)
                    text.insert(at, 1, with);
                else
                    text[at] = with;
            }
            const auto ours = parse_ip(text);
            CHECK_MESSAGE((ours ? ip_text(*ours) : std::string()) == by_system(text), text);
        }
    }
}

TEST_CASE("an address is written as the system writes it") {
    std::minstd_rand random(8);  // NOLINT
    for (int i = 0; i < 20'000; ++i) {
        IpAddress address{};
        for (std::size_t at = 0; at < address.size(); at += 2) {
            if (random() % 2 == 0) continue;
            address[at] = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
            address[at + 1] = static_cast<std::uint8_t>(random());
        }
        address[0] |= 0x20;  // outside ::/96, where the system writes the last four bytes in decimal
        char text[INET6_ADDRSTRLEN];
        REQUIRE(::inet_ntop(AF_INET6, address.data(), text, sizeof text) != nullptr);
        REQUIRE(ip_text(address) == text);
    }
}

TEST_CASE("numeric hosts are looked up without the resolver") {
    const auto address = look_up("192.0.2.7", NameKind::numeric, 8);
    REQUIRE(address.ok());
    REQUIRE(address->size() == 1);
    CHECK(to_text(address->front()) == "192.0.2.7:0");
    const auto name = look_up("localhost", NameKind::numeric, 8);
    REQUIRE(!name.ok());
    CHECK((name.error().code == std::error_code(EAI_NONAME, resolver_category())));
    CHECK(text_of(name.error()) == "the name localhost cannot be resolved: Name or service not known");
}
