#include "listener_url.hpp"

#include <doctest/doctest.h>

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
    CHECK(good("unix:" + std::string(socket_path_bytes_max, 'p')).path.size() == 107);
    CHECK(says(wrong("unix:" + std::string(socket_path_bytes_max + 1, 'p')), "longer than 107 bytes"));
    CHECK(says(wrong("unix:"), "no path"));
    CHECK(says(wrong(std::string_view("unix:/a\0b", 9)), "zero byte"));
}

TEST_CASE("schemes of later builds are known and refused") {
    CHECK(says(wrong("mqtts://0.0.0.0:8883"), "\"mqtts:\" is not in this build"));
    CHECK(says(wrong("ws://0.0.0.0:80/mqtt"), "\"ws:\" is not in this build"));
    CHECK(says(wrong("wss://0.0.0.0:443/mqtt"), "\"wss:\" is not in this build"));
}

TEST_CASE("every wrong address says what would be right") {
    for (const std::string_view url :
         {"", "1883", "127.0.0.1:1883", "tcp://127.0.0.1:1883", "mqtt:127.0.0.1", "mqtt:/x"}) {
        CHECK(says(wrong(url), "not a listener address; use mqtt://HOST:PORT"));
    }
    CHECK(says(wrong("mqtt://:1883"), "use 0.0.0.0"));
    CHECK(says(wrong("mqtt://*:1883"), "use 0.0.0.0"));
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
    CHECK(says(wrong("mqtt://127.0.0.1:"), "\"\" is not a port"));
    CHECK(says(wrong("mqtt://127.0.0.1:65536"), "\"65536\" is not a port: use 0 to 65535"));
    CHECK(says(wrong("mqtt://127.0.0.1:-1"), "is not a port"));
    CHECK(says(wrong("mqtt://127.0.0.1:18x"), "is not a port"));
    CHECK(says(wrong("mqtt://user@127.0.0.1:1883"), "no user precede"));
    CHECK(says(wrong("mqtt://127.0.0.1:1883/path"), "nothing may follow the port"));
}
