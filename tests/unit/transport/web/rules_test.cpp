#include "web/rules.hpp"
#include "ledge/base/ip_text.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace ledge::transport {

TEST_CASE("[MQTT-6.0.0-4] mqtt is chosen wherever it is offered, mqttv3.1 where nothing better is") {
    CHECK(choose_subprotocol("mqtt") == "mqtt");
    CHECK(choose_subprotocol("mqttv3.1") == "mqttv3.1");
    CHECK(choose_subprotocol("mqttv3.1,mqtt") == "mqtt");
    CHECK(choose_subprotocol("\tchat , mqtt\t") == "mqtt");
    for (const std::string_view none : {"", ",", "MQTT", "mqtt3.1", "mqtt v3.1", "xmqtt", "mqttx"}) {
        CHECK(choose_subprotocol(none).empty());
    }
}

TEST_CASE("an origin is allowed when it is listed, or nothing is") {
    const std::vector<std::string> allowed{"https://dashboard.example", "http://[::1]:8000"};
    CHECK(is_allowed_origin("https://dashboard.example", allowed));
    CHECK(is_allowed_origin("HTTPS://DASHBOARD.EXAMPLE", allowed));
    CHECK(is_allowed_origin("http://[::1]:8000", allowed));
    CHECK_FALSE(is_allowed_origin("https://dashboard.example:443", allowed));
    CHECK_FALSE(is_allowed_origin("https://dashboard.example.evil", allowed));
    CHECK_FALSE(is_allowed_origin("https://dashboard.exampl", allowed));
    CHECK_FALSE(is_allowed_origin("null", allowed));
    CHECK_FALSE(is_allowed_origin("", allowed));
    CHECK(is_allowed_origin("null", {}));
}

TEST_CASE("a key is 16 bytes in Base64") {
    CHECK(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK_FALSE(is_websocket_key(""));
    CHECK_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ="));
    CHECK_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ==="));
    CHECK_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25j!Q=="));
    CHECK_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25jZQAA"));
}

TEST_CASE("the client behind proxies is the last one that is none of them") {
    const std::vector<Network> trusted{{*parse_ip("10.0.0.0"), 104}, {*parse_ip("2001:db8::"), 32}};
    const auto client = [&trusted](std::string_view forwarded) {
        const auto address = forwarded_client(forwarded, trusted);
        return address ? ip_text(*address) : std::string();
    };
    CHECK(client("203.0.113.9") == "203.0.113.9");
    CHECK(client("198.51.100.1, 203.0.113.9, 10.1.2.3") == "203.0.113.9");
    CHECK(client("203.0.113.9 ,2001:db8::7") == "203.0.113.9");
    CHECK(client("2001:db9::1") == "2001:db9::1");
    CHECK(client("::ffff:203.0.113.9") == "203.0.113.9");
    CHECK(client("203.0.113.9:4711, 10.1.2.3") == "203.0.113.9");
    CHECK(client("[2001:db9::1]:4711") == "2001:db9::1");
    CHECK_FALSE(forwarded_client("", trusted).has_value());
    CHECK_FALSE(forwarded_client("10.1.2.3, 10.1.2.4", trusted).has_value());
    CHECK_FALSE(forwarded_client("203.0.113.9, junk, 10.1.2.3", trusted).has_value());
    CHECK_FALSE(forwarded_client("203.0.113.9,", trusted).has_value());
}

TEST_CASE("a token follows the word Bearer") {
    CHECK(bearer_token("Bearer secret") == "secret");
    CHECK(bearer_token("bearer   secret ") == "secret");
    CHECK(bearer_token("Basic secret").empty());
    CHECK(bearer_token("Bearer").empty());
    CHECK(bearer_token("Bearer ").empty());
    CHECK(bearer_token("").empty());
}

TEST_CASE("a host is named without its port") {
    CHECK(host_without_port("localhost:8080") == "localhost");
    CHECK(host_without_port("127.0.0.1") == "127.0.0.1");
    CHECK(host_without_port("[::1]:8080") == "::1");
    CHECK(host_without_port("[::1]") == "::1");
    CHECK(host_without_port("[").empty());
    CHECK(host_without_port("").empty());
}

}  // namespace ledge::transport
