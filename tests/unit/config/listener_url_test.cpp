#include "listener_url.hpp"

#include <doctest/doctest.h>

#include <array>

#include "ledge/os/address.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

Endpoint good(std::string_view url) {
    auto parsed = parse_listener_url(url);
    INFO(url);
    REQUIRE(parsed.ok());
    return parsed.value();
}

std::string wrong(std::string_view url) {
    const auto parsed = parse_listener_url(url);
    INFO(url);
    REQUIRE_FALSE(parsed.ok());
    return parsed.error();
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("mqtt:// names an address and a port") {
    CHECK(good("mqtt://192.0.2.7:2000") == Endpoint{Endpoint::Kind::tcp, "192.0.2.7", 2000, "", false});
    CHECK(good("mqtt://0.0.0.0:1883") == Endpoint{Endpoint::Kind::tcp, "0.0.0.0", 1883, "", false});
    CHECK(good("mqtt://[2001:db8::1]:8883") == Endpoint{Endpoint::Kind::tcp, "2001:db8::1", 8883, "", false});
    CHECK(good("mqtt://[::]:1883") == Endpoint{Endpoint::Kind::tcp, "::", 1883, "", false});
    CHECK(good("mqtt://[fe80::1%eth0.1]:1883").host == "fe80::1%eth0.1");
    CHECK(good("mqtt://192.0.2.7").port == 1883);
    CHECK(good("mqtt://192.0.2.7/").port == 1883);
    CHECK(good("mqtt://[::1]").port == 1883);
    CHECK(good("mqtt://127.0.0.1:0").port == 0);
    CHECK(good("mqtt://127.0.0.1:65535").port == 65535);
}

TEST_CASE("loopback addresses, localhost and Unix sockets are local") {
    CHECK(good("mqtt://127.0.0.1:1883").is_local);
    CHECK(good("mqtt://127.8.9.1:1883").is_local);
    CHECK(good("mqtt://[::1]:1883").is_local);
    CHECK(good("mqtt://[0:0:0:0:0:0:0:1]:1883").is_local);
    CHECK(good("mqtt://localhost:1883") == good("mqtt://127.0.0.1:1883"));
    CHECK(good("unix:/run/ledgemq.sock").is_local);
    CHECK_FALSE(good("mqtt://12.7.0.0:1883").is_local);
    CHECK_FALSE(good("mqtt://[::2]:1883").is_local);
    CHECK_FALSE(good("mqtt://[1::1]:1883").is_local);
}

TEST_CASE("unix: names a path") {
    CHECK(good("unix:/run/ledgemq.sock") == Endpoint{Endpoint::Kind::unix_socket, "", 0, "/run/ledgemq.sock", true});
    CHECK(good("unix:" + std::string(os::SocketAddress::unix_path_bytes_max, 'p')).path.size() == 107);
    CHECK(says(wrong("unix:" + std::string(os::SocketAddress::unix_path_bytes_max + 1, 'p')), "longer than 107 bytes"));
    CHECK(says(wrong("unix:"), "no path"));
    CHECK(says(wrong(std::string_view("unix:/a\0b", 9)), "zero byte"));
}

TEST_CASE("ws:// has a path, /mqtt when none is said") {
    CHECK(good("ws://127.0.0.1:8080/live/mqtt").resource == "/live/mqtt");
    CHECK(good("ws://127.0.0.1:8080").resource.empty());
    CHECK(good("ws://127.0.0.1:8080/").resource.empty());
    CHECK(good("ws://127.0.0.1/mqtt").port == 80);
    CHECK(good("ws://[::1]:8080/mqtt").host == "::1");
    CHECK(good("ws://127.0.0.1:8080/mqtt").protocol == Endpoint::Protocol::websocket);
    CHECK(good("ws://127.0.0.1:8080/mqtt").is_local);
    CHECK_FALSE(good("ws://0.0.0.0:8080/mqtt").is_local);
    for (const std::string_view path : {"/a?b", "/a#b", "/a b", "/a%20b", "/\xC3\xA4"}) {
        CHECK(says(wrong("ws://127.0.0.1:8080" + std::string(path)), "the path has letters"));
    }
    CHECK(good("ws://127.0.0.1/" + std::string(resource_bytes_max - 1, 'p')).resource.size() == 256);
    CHECK(says(wrong("ws://127.0.0.1/" + std::string(resource_bytes_max, 'p')), "at most 256"));
    CHECK(says(wrong("ws://::1:8080/mqtt"), "ws://[::1]:8080/mqtt"));
    CHECK(says(wrong("ws://user@127.0.0.1/mqtt"), "no user name may stand"));
}

TEST_CASE("pages have http://, and no other listener has") {
    CHECK(parse_admin_url("http://127.0.0.1:9883").value().port == 9883);
    CHECK(parse_admin_url("http://127.0.0.1:9883/").value().protocol == Endpoint::Protocol::http);
    CHECK_FALSE(parse_admin_url("http://127.0.0.1:9883").value().is_tls);
    const auto secure = parse_admin_url("https://[::1]");
    REQUIRE(secure.ok());
    CHECK((secure->is_tls && secure->is_local && secure->port == 443 && secure->protocol == Endpoint::Protocol::http));
    CHECK(says(wrong("https://127.0.0.1:9883"), "[admin] url"));
    CHECK(says(parse_admin_url("mqtt://127.0.0.1:9883").error(), "use http://HOST:PORT"));
    CHECK(says(parse_admin_url("http://127.0.0.1:9883/admin").error(), "nothing may follow the port"));
    CHECK(says(wrong("http://127.0.0.1:9883"), "[admin] url"));
}

TEST_CASE("networks have a prefix, and nothing behind it") {
    const IpAddress inside = mapped_ipv4(std::array<std::uint8_t, 4>{10, 1, 2, 3});
    const IpAddress outside = mapped_ipv4(std::array<std::uint8_t, 4>{11, 1, 2, 3});
    CHECK(parse_network("10.0.0.0/8").value().contains(inside));
    CHECK_FALSE(parse_network("10.0.0.0/8").value().contains(outside));
    CHECK(parse_network("10.1.2.3").value().contains(inside));
    CHECK_FALSE(parse_network("10.1.2.2/31").value().contains(outside));
    CHECK(parse_network("10.1.2.2/31").value().contains(inside));
    CHECK(parse_network("0.0.0.0/0").value().contains(outside));
    CHECK_FALSE(parse_network("2001:db8::/32").value().contains(inside));
    CHECK(parse_network("::/0").value().contains(inside));
    CHECK(parse_network("2001:db8::/32").value().prefix_bits == 32);
    for (const std::string_view text : {"", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "a/8"}) {
        CHECK_FALSE(parse_network(text).ok());
    }
    CHECK(says(parse_network("10.0.0.1/8").error(), "beyond its prefix"));
    CHECK(says(parse_network("10.0.0.0/33").error(), "0 to 32 bits"));
}

TEST_CASE("every wrong address says what would be right") {
    for (const std::string_view url :
         {"", "1883", "127.0.0.1:1883", "tcp://127.0.0.1:1883", "mqtt:127.0.0.1", "mqtt:/x"}) {
        CHECK(says(wrong(url), "not a listener address; use mqtt://HOST:PORT"));
    }
    CHECK(says(wrong("mqtt://:1883"), "for every interface use [::]"));
    CHECK(says(wrong("mqtt://*:1883"), "for every interface use [::]"));
    CHECK(says(wrong("mqtt://broker.example:1883"), "\"broker.example\" is not an IPv4 address or localhost"));
    CHECK(says(wrong("mqtt://127.0.0.1.1"), "is not an IPv4 address"));
    CHECK(says(wrong("mqtt://256.0.0.1"), "is not an IPv4 address"));
    CHECK(says(wrong(std::string_view("mqtt://127.0.0.1\0:1883", 22)), "is not an IPv4 address"));
    CHECK(says(wrong("mqtt://::1:1883"), "in brackets: mqtt://[::1]:1883"));
    CHECK(says(wrong("mqtt://[::1:1883"), "']' is missing"));
    CHECK(says(wrong("mqtt://[::1]1883"), "only :PORT may follow"));
    CHECK(says(wrong("mqtt://[127.0.0.1]:1883"), "is not an IPv6 address"));
    CHECK(says(wrong("mqtt://[localhost]:1883"), "is not an IPv6 address"));
    CHECK(says(wrong("mqtt://[fe80::1%]:1883"), "is not an IPv6 address"));
    CHECK(says(wrong("mqtt://[fe80::1%eth 0]:1883"), "is not an IPv6 address"));
    CHECK(says(wrong("mqtt://[fe80::1]:1883"), "write [fe80::1%eth0] with the name of the interface"));
    CHECK(says(wrong("mqtt://127.0.0.1:"), "\"\" is not a port"));
    CHECK(says(wrong("mqtt://127.0.0.1:65536"), "\"65536\" is not a port: use 0 to 65535"));
    CHECK(says(wrong("mqtt://127.0.0.1:-1"), "is not a port"));
    CHECK(says(wrong("mqtt://127.0.0.1:18x"), "is not a port"));
    CHECK(says(wrong("mqtt://user@127.0.0.1:1883"), "no user name may stand"));
    CHECK(says(wrong("mqtt://127.0.0.1:1883/path"), "nothing may follow the port"));
}
