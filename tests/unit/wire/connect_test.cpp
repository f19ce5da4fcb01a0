#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

/// The variable header up to keep alive, and for v5 no properties.
Raw head(Version version, unsigned flags, unsigned keep_alive_s = 60) {
    Raw raw;
    raw.text(version == v3_1 ? "MQIsdp" : "MQTT").u8(static_cast<unsigned>(version)).u8(flags).u16(keep_alive_s);
    return version == v5 ? raw.u8(0) : raw;
}

ReasonCode judge(const Raw& body) { return outcome(decode_connect(body.packet(0x10))); }

constexpr unsigned clean = 0x02;
constexpr unsigned will_flag = 0x04;

Connect full(Version version, PropertyBuilder& properties, PropertyBuilder& will_properties) {
    Connect packet;
    packet.version = version;
    packet.client_id = "meter-1";
    packet.clean_start = false;
    packet.keep_alive_s = 3600;
    packet.user_name = "user";
    packet.password = as_bytes("secret");
    packet.will = Will{"status/meter-1", as_bytes("gone"), QoS::exactly_once, true, {}};
    if (version == v5) {
        packet.properties = properties.number(PropertyId::session_expiry_interval, 300).user("a", "b").view();
        packet.will->properties = will_properties.number(PropertyId::will_delay_interval, 5).view();
    }
    return packet;
}

void check_same(const Connect& a, const Connect& b) {
    CHECK(a.version == b.version);
    CHECK(a.client_id == b.client_id);
    CHECK(a.clean_start == b.clean_start);
    CHECK(a.keep_alive_s == b.keep_alive_s);
    CHECK(a.user_name == b.user_name);
    CHECK(a.is_bridge == b.is_bridge);
    CHECK(same_bytes(a.properties.raw(), b.properties.raw()));
    REQUIRE(a.password.has_value() == b.password.has_value());
    if (a.password) CHECK(same_bytes(*a.password, *b.password));
    REQUIRE(a.will.has_value() == b.will.has_value());
    if (!a.will) return;
    CHECK(a.will->topic == b.will->topic);
    CHECK(same_bytes(a.will->payload, b.will->payload));
    CHECK(a.will->qos == b.will->qos);
    CHECK(a.will->retain == b.will->retain);
    CHECK(same_bytes(a.will->properties.raw(), b.will->properties.raw()));
}

}  // namespace

TEST_CASE("CONNECT comes back as sent, with every combination of optional fields, in every version") {
    for (const Version version : all_versions) {
        for (unsigned without = 0; without < 16; ++without) {
            PropertyBuilder properties;
            PropertyBuilder will_properties;
            Connect packet = full(version, properties, will_properties);
            if ((without & 1U) != 0) packet.will.reset();
            if ((without & 2U) != 0) packet.password.reset();
            if ((without & 4U) != 0 && (version == v5 || !packet.password)) packet.user_name.reset();
            if ((without & 8U) != 0) packet.clean_start = true;
            const ByteVector frame = encoded(packet);
            const auto decoded = decode_connect(frame);
            REQUIRE(decoded.ok());
            check_same(*decoded, packet);
            CHECK(claimed_version(frame) == version);
        }
    }
}

TEST_CASE("a CONNECT of each version, byte by byte") {
    Connect packet;
    packet.client_id = "c";
    packet.keep_alive_s = 10;
    CHECK(encoded(packet) == ByteVector{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x02, 0, 10, 0, 1, 'c'});
    packet.version = v5;
    CHECK(encoded(packet) == ByteVector{0x10, 14, 0, 4, 'M', 'Q', 'T', 'T', 5, 0x02, 0, 10, 0, 0, 1, 'c'});
    packet.version = v3_1;
    CHECK(encoded(packet) == ByteVector{0x10, 15, 0, 6, 'M', 'Q', 'I', 's', 'd', 'p', 3, 0x02, 0, 10, 0, 1, 'c'});
}

TEST_CASE("[MQTT-3.1.2-1] [MQTT-3.1.2-2] an unknown protocol name or level is an unsupported version") {
    struct Row {
        std::string_view name;
        unsigned level;
    };
    for (const Row& row :
         {Row{"MQTT", 0}, Row{"MQTT", 3}, Row{"MQTT", 6}, Row{"MQTT", 0x83}, Row{"MQTT", 0x85}, Row{"MQIsdp", 4},
          Row{"MQIsdp", 5}, Row{"MQIsdp", 2}, Row{"mqtt", 4}, Row{"", 4}, Row{"MQTTX", 5}, Row{"HTTP", 4}}) {
        const ByteVector frame = Raw().text(row.name).u8(row.level).u8(clean).u16(0).text("c").packet(0x10);
        CHECK(outcome(decode_connect(frame)) == ReasonCode::unsupported_protocol_version);
    }
}

TEST_CASE("[MQTT-1.5.4-1] a protocol name that is not UTF-8 is malformed") {
    CHECK(judge(Raw().text("MQT\xFF").u8(4).u8(clean).u16(0).text("c")) == malformed);
}

TEST_CASE("the high bit of a 3.x level marks a bridge, and comes back as sent") {
    for (const Version version : versions_3) {
        Connect packet;
        packet.version = version;
        packet.client_id = "bridge";
        packet.is_bridge = true;
        const ByteVector frame = encoded(packet);
        const auto decoded = decode_connect(frame);
        REQUIRE(decoded.ok());
        CHECK(decoded->is_bridge);
        CHECK(decoded->version == version);
    }
}

TEST_CASE("the claimed version is known even when the rest is wrong") {
    CHECK(claimed_version(Raw().text("MQTT").u8(5).packet(0x10)) == v5);
    CHECK(claimed_version(Raw().text("MQTT").u8(4).u8(0xFF).packet(0x10)) == v3_1_1);
    CHECK(claimed_version(Raw().text("MQTT").u8(6).packet(0x10)) == v5);  // the latest form we have
    CHECK(claimed_version(Raw().text("MQTT").u8(0x84).packet(0x10)) == v3_1_1);
    CHECK(claimed_version(Raw().text("MQIsdp").u8(3).packet(0x10)) == v3_1);
    CHECK_FALSE(claimed_version(Raw().text("MQTT").u8(2).packet(0x10)).has_value());
    CHECK_FALSE(claimed_version(Raw().text("HTTP").u8(5).packet(0x10)).has_value());
    CHECK_FALSE(claimed_version(Raw().text("MQTT").packet(0x10)).has_value());
    CHECK_FALSE(claimed_version(Bytes()).has_value());
    CHECK_FALSE(claimed_version(ByteVector{0x30, 0x00}).has_value());
}

TEST_CASE("[MQTT-3.1.2-3] the reserved connect flag is malformed, except in MQTT 3.1, which ignores it") {
    CHECK(judge(head(v3_1_1, clean | 1U).text("c")) == malformed);
    CHECK(judge(head(v5, clean | 1U).text("c")) == malformed);
    CHECK(judge(head(v3_1, clean | 1U).text("c")) == accepted);
}

TEST_CASE("[MQTT-3.1.2-11] [MQTT-3.1.2-13] will QoS and will retain without a will are malformed") {
    for (const unsigned bits : {0x08U, 0x10U, 0x18U, 0x20U, 0x28U}) {
        CHECK(judge(head(v3_1_1, clean | bits).text("c")) == malformed);
        CHECK(judge(head(v5, clean | bits).text("c")) == malformed);
        CHECK(judge(head(v3_1, clean | bits).text("c")) == accepted);  // its text disregards them
    }
}

TEST_CASE("[MQTT-3.1.2-12] will QoS 3 is malformed") {
    for (const Version version : all_versions) {
        Raw body = head(version, clean | will_flag | 0x18U).text("c");
        if (version == v5) body.u8(0);
        CHECK(judge(body.text("t").text("p")) == malformed);
    }
}

TEST_CASE("3.1.1 [MQTT-3.1.2-22] a password without a user name is malformed before v5") {
    CHECK(judge(head(v3_1, clean | 0x40U).text("c").text("pw")) == malformed);
    CHECK(judge(head(v3_1_1, clean | 0x40U).text("c").text("pw")) == malformed);
    CHECK(judge(head(v5, clean | 0x40U).text("c").text("pw")) == accepted);
}

TEST_CASE("MQTT 3.1: the remaining length takes precedence over the user name and password flags") {
    const ByteVector frame = head(v3_1, clean | 0xC0U).text("c").packet(0x10);
    const auto decoded = decode_connect(frame);
    REQUIRE(decoded.ok());
    CHECK_FALSE(decoded->user_name.has_value());
    CHECK_FALSE(decoded->password.has_value());
    CHECK(judge(head(v3_1, clean | 0xC0U).text("c").text("user")) == accepted);
    CHECK(judge(head(v3_1_1, clean | 0xC0U).text("c")) == malformed);
    CHECK(judge(head(v5, clean | 0xC0U).text("c")) == malformed);
}

TEST_CASE("[MQTT-3.1.3-8] 3.1.1: an empty client id needs a clean session") {
    CHECK(judge(head(v3_1_1, 0).text("")) == ReasonCode::client_identifier_not_valid);
    CHECK(judge(head(v3_1_1, clean).text("")) == accepted);
    CHECK(judge(head(v5, 0).text("")) == accepted);  // [MQTT-3.1.3-6]
}

TEST_CASE("MQTT 3.1: an empty client id is not valid, one of more than 23 characters is accepted") {
    CHECK(judge(head(v3_1, clean).text("")) == ReasonCode::client_identifier_not_valid);
    CHECK(judge(head(v3_1, clean).text(std::string(100, 'c'))) == accepted);
}

TEST_CASE("an empty client id does not hide that the packet is malformed") {
    CHECK(judge(head(v3_1_1, 0).text("").u8(0)) == malformed);
}

TEST_CASE("[MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12] client id, will topic and user name are UTF-8") {
    for (const Version version : all_versions) {
        CHECK(judge(head(version, clean).text("\xC0\x80")) == malformed);
        CHECK(judge(head(version, clean).text(std::string_view("a\0", 2))) == malformed);
        CHECK(judge(head(version, clean | 0x80U).text("c").text("\xFF")) == malformed);
        Raw will = head(version, clean | will_flag).text("c");
        if (version == v5) will.u8(0);
        CHECK(judge(Raw(will).text("t\xFF").text("p")) == malformed);
        CHECK(judge(Raw(will).text("t").text("\xFF")) == accepted);  // the payload is any bytes
    }
}

TEST_CASE("[MQTT-3.3.2-2] [MQTT-4.7.3-1] a will topic has no wildcards and at least one character") {
    for (const Version version : all_versions) {
        for (const std::string_view topic : {"a/+", "#", "a#b", ""}) {
            Raw body = head(version, clean | will_flag).text("c");
            if (version == v5) body.u8(0);
            CHECK(judge(body.text(topic).text("p")) == malformed);
        }
    }
}

TEST_CASE("will properties are judged by their own column of the table") {
    const auto with = [](const Raw& block) {
        return judge(head(v5, clean | will_flag).text("c").properties(block).text("t").text("p"));
    };
    CHECK(with(Raw().u8(0x18).u32(10)) == accepted);
    CHECK(with(Raw().u8(0x01).u8(1).u8(0x02).u32(9).u8(0x26).text("a").text("b")) == accepted);
    CHECK(with(Raw().u8(0x23).u16(1)) == malformed);  // a topic alias is of no use in a will
    CHECK(with(Raw().u8(0x11).u32(1)) == malformed);  // belongs to CONNECT itself
    CHECK(with(Raw().u8(0x01).u8(2)) == protocol_error);
    CHECK(with(Raw().u8(0x18).u32(1).u8(0x18).u32(1)) == protocol_error);
}

TEST_CASE("CONNECT properties: wrong values are told apart from wrong places") {
    const auto with = [](const Raw& block) {
        return judge(Raw().text("MQTT").u8(5).u8(clean).u16(0).properties(block).text("c"));
    };
    CHECK(with(Raw().u8(0x21).u16(0)) == protocol_error);
    CHECK(with(Raw().u8(0x27).u32(0)) == protocol_error);
    CHECK(with(Raw().u8(0x17).u8(2)) == protocol_error);
    CHECK(with(Raw().u8(0x16).text("x")) == protocol_error);
    CHECK(with(Raw().u8(0x18).u32(1)) == malformed);
    CHECK(with(Raw().u8(0x7F)) == malformed);
    CHECK(with(Raw().u8(0x15).text("PLAIN").u8(0x16).text("x")) == accepted);
}

TEST_CASE("bytes behind the last field of a CONNECT are malformed") {
    for (const Version version : all_versions) CHECK(judge(head(version, clean).text("c").u8(0)) == malformed);
}

}  // namespace ledge::wire
