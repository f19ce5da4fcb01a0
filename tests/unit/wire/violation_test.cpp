#include "ledge/wire/violation.hpp"

#include <set>
#include <string>

#include "ledge/wire/packets.hpp"
#include "packet_bytes.hpp"

namespace ledge::wire {

namespace {

constexpr Rule last_rule = Rule::suback_codes;

template <class T>
std::string said(const Decoded<T>& packet) {
    return packet.ok() ? "accepted" : std::string(text_of(packet.error().rule));
}

}  // namespace

TEST_CASE("each rule has its own words, a clause, and an error code") {
    std::set<std::string_view> texts;
    for (int i = 1; i <= static_cast<int>(last_rule); ++i) {
        const auto rule = static_cast<Rule>(i);
        const std::string_view text = text_of(rule);
        CAPTURE(text);
        CHECK(texts.insert(text).second);
        CHECK((text.ends_with(']') || text.ends_with(')')));
        CHECK(is_error(Violation{rule}));
    }
    CHECK(text_of(Rule::none).empty());
}

TEST_CASE("a refused PUBLISH names the rule") {
    CHECK(said(decode_publish(ByteVector{0x32, 7, 0, 1, 'a', 0, 0, 0, 'x'}, v5)) ==
          "the packet id is 0 [MQTT-2.2.1-3]");
    CHECK(said(decode_publish(ByteVector{0x30, 4, 0, 1, '#', 0}, v5)) == "the topic has a wildcard [MQTT-3.3.2-2]");
    CHECK(said(decode_publish(ByteVector{0x30, 4, 0, 1, 0xFF, 0}, v5)) ==
          "a text is not UTF-8 or contains U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]");
    CHECK(said(decode_publish(ByteVector{0x30, 3, 0, 0, 0}, v5)) ==
          "the topic is empty and there is no Topic Alias (section 3.3.2.1)");
    CHECK(said(decode_publish(ByteVector{0x30, 2, 0, 0}, Version::v3_1_1)) == "the topic is empty [MQTT-4.7.3-1]");
    CHECK(said(decode_publish(ByteVector{0x30, 3, 0, 9, 'a'}, v5)) ==
          "a field extends beyond the end of the packet (section 4.13.1)");
    CHECK(said(decode_publish(ByteVector{0x30, 5, 0, 1, 'a', 1, 0x7E}, v5)) ==
          "a property is unknown or not allowed in the packet (section 2.2.2.2)");
}

TEST_CASE("a refused CONNECT names the rule") {
    const auto connect = [](Byte level, Byte flags, std::initializer_list<Byte> rest) {
        ByteVector bytes{0x10, static_cast<Byte>(10 + rest.size()), 0, 4, 'M', 'Q', 'T', 'T', level, flags, 0, 0};
        bytes.insert(bytes.end(), rest);
        return bytes;
    };
    CHECK(said(decode_connect(connect(4, 0x42, {0, 1, 'c', 0, 1, 'p'}))) ==
          "the packet has a password but no user name (3.1.1 [MQTT-3.1.2-22])");
    CHECK(said(decode_connect(connect(4, 0x03, {0, 1, 'c'}))) == "the reserved flag is set [MQTT-3.1.2-3]");
    CHECK(said(decode_connect(connect(4, 0x00, {0, 0}))) ==
          "the client id is empty without a clean session (3.1.1 [MQTT-3.1.3-8])");
    CHECK(said(decode_connect(connect(4, 0x06, {0, 1, 'c', 0, 1, '+', 0, 0}))) ==
          "the will topic has a wildcard [MQTT-3.3.2-2]");
    CHECK(said(decode_connect(connect(4, 0x06, {0, 1, 'c', 0, 0, 0, 0}))) == "the will topic is empty [MQTT-4.7.3-1]");
    CHECK(said(decode_connect(connect(4, 0x06, {0, 1, 'c'}))) ==
          "a field extends beyond the end of the packet (section 4.13.1)");
    CHECK(said(decode_connect(connect(7, 0x02, {0, 1, 'c'}))) ==
          "the protocol name and level are not those of MQTT 3.1, 3.1.1 or 5 [MQTT-3.1.2-1] [MQTT-3.1.2-2]");
}

TEST_CASE("a refused SUBSCRIBE names the rule") {
    CHECK(said(decode_subscribe(ByteVector{0x82, 3, 0, 1, 0}, v5)) ==
          "the packet has no topic filter [MQTT-3.8.3-2] [MQTT-3.10.3-2]");
    CHECK(said(decode_subscribe(ByteVector{0x82, 7, 0, 1, 0, 0, 1, 'a', 3}, v5)) ==
          "the maximum QoS is 3 (section 3.8.3.1)");
    CHECK(said(decode_subscribe(ByteVector{0x82, 6, 0, 1, 0, 1, 'a', 3}, Version::v3_1_1)) ==
          "the requested QoS is not 0, 1 or 2, or a reserved bit is set (3.1.1 [MQTT-3.8.3-4])");
}

}  // namespace ledge::wire
