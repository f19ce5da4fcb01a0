#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

ReasonCode judge(const Raw& body, Version version, unsigned flags = 0) {
    return outcome(decode_publish(body.packet(0x30 | flags), version));
}

/// A QoS 0 PUBLISH with these properties.
ReasonCode judge_properties(const Raw& block, std::string_view topic = "t") {
    return judge(Raw().text(topic).properties(block).u8('x'), v5);
}

}  // namespace

TEST_CASE("PUBLISH comes back as sent: every QoS, flag, version and size of the remaining length") {
    PropertyBuilder properties;
    properties.number(PropertyId::topic_alias, 3).user("unit", "°C");
    for (const Version version : all_versions) {
        for (unsigned flags : {0x0U, 0x1U, 0x2U, 0x3U, 0x4U, 0x5U, 0xAU, 0xBU, 0xCU, 0xDU}) {
            for (const std::size_t size : {0U, 1U, 100U, 120U, 200U, 16'500U, 2'100'000U}) {
                const std::string payload(size, 'p');
                Publish packet;
                packet.topic = "plant/7/temp";
                packet.payload = as_bytes(payload);
                packet.qos = static_cast<QoS>(flags >> 1U & 3U);
                packet.retain = (flags & 1U) != 0;
                packet.dup = (flags & 8U) != 0;
                packet.packet_id = packet.qos == QoS::at_most_once ? 0 : 0xFEDC;
                if (version == v5) packet.properties = properties.view();
                const ByteVector frame = encoded(packet, version);
                CHECK(frame[0] == (0x30 | flags));
                const auto decoded = decode_publish(frame, version);
                REQUIRE(decoded.ok());
                CHECK(decoded->topic == packet.topic);
                CHECK(same_bytes(decoded->payload, packet.payload));
                CHECK(decoded->qos == packet.qos);
                CHECK(decoded->retain == packet.retain);
                CHECK(decoded->dup == packet.dup);
                CHECK(decoded->packet_id == packet.packet_id);
                CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));
            }
        }
    }
}

TEST_CASE("a PUBLISH, byte by byte") {
    Publish packet;
    packet.topic = "a/b";
    packet.payload = as_bytes("hi");
    CHECK(encoded(packet, v3_1_1) == ByteVector{0x30, 7, 0, 3, 'a', '/', 'b', 'h', 'i'});
    packet.qos = QoS::at_least_once;
    packet.packet_id = 10;
    CHECK(encoded(packet, v5) == ByteVector{0x32, 10, 0, 3, 'a', '/', 'b', 0, 10, 0, 'h', 'i'});
}

TEST_CASE("the head of a PUBLISH is the packet without its payload, the length counting it") {
    Publish packet;
    packet.topic = "a/b";
    const std::string payload(500, 'x');
    packet.payload = as_bytes(payload);
    const ByteVector whole = encoded(packet, v5);
    ByteVector head(whole.size() - payload.size());
    Writer out(head);
    encode_publish_head(packet, v5, out);
    CHECK(out.written() == head.size());
    CHECK(same_bytes(head, Bytes(whole).first(head.size())));
}

TEST_CASE("[MQTT-3.3.1-4] QoS 3 is malformed, and [MQTT-3.3.1-2] so is DUP with QoS 0") {
    for (const Version version : all_versions) {
        for (const unsigned flags : {0x6U, 0x7U, 0xEU, 0xFU, 0x8U, 0x9U}) {
            Raw body = Raw().text("t").u16(1);
            if (version == v5) body.u8(0);
            CHECK(judge(body, version, flags) == malformed);
        }
    }
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed in a PUBLISH of QoS 1 and 2") {
    for (const Version version : all_versions) {
        for (const unsigned flags : {0x2U, 0x4U}) {
            CHECK(judge(Raw().text("t").u16(0).u8(0), version, flags) == malformed);
            CHECK(judge(Raw().text("t").u16(1).u8(0), version, flags) == accepted);
            CHECK(judge(Raw().text("t").u8(1), version, flags) == malformed);
        }
    }
}

TEST_CASE("[MQTT-3.3.2-1] the topic is UTF-8, and [MQTT-3.3.2-2] without wildcards") {
    for (const Version version : all_versions) {
        const auto with = [&](std::string_view topic) { return judge(Raw().text(topic).u8(0), version); };
        for (const std::string_view topic : {"+", "#", "a/+/b", "a/b/c/d/e/f/g/#", "long/enough/for/two/words+"}) {
            CHECK(with(topic) == malformed);
        }
        CHECK(with("a\xFF") == malformed);
        CHECK(with("\xED\xA0\x80") == malformed);
        CHECK(with(std::string_view("a\0b", 3)) == malformed);
        CHECK(with("Gebäude/Küche") == accepted);
        CHECK(with("$SYS/x") == accepted);  // who may publish there is not a matter of form
        CHECK(with("/") == accepted);
    }
}

TEST_CASE("[MQTT-4.7.3-1] an empty topic is malformed before v5") {
    for (const Version version : versions_3) CHECK(judge(Raw().text("").u8('x'), version) == malformed);
}

TEST_CASE("5.0 section 3.3.2.1: an empty topic without a topic alias is a protocol error") {
    CHECK(judge_properties(Raw(), "") == protocol_error);
    CHECK(judge_properties(Raw().u8(0x01).u8(1), "") == protocol_error);
    CHECK(judge_properties(Raw().u8(0x23).u16(1), "") == accepted);
    CHECK(judge_properties(Raw().u8(0x23).u16(0), "") == ReasonCode::topic_alias_invalid);
}

TEST_CASE("[MQTT-3.3.2-8] topic alias 0 is answered with topic alias invalid") {
    CHECK(judge_properties(Raw().u8(0x23).u16(0)) == ReasonCode::topic_alias_invalid);
}

TEST_CASE("PUBLISH may carry several subscription identifiers, as a server sends them") {
    CHECK(judge_properties(Raw().u8(0x0B).u8(1).u8(0x0B).u8(2)) == accepted);
    CHECK(judge_properties(Raw().u8(0x0B).u8(0)) == protocol_error);
}

TEST_CASE("PUBLISH properties: wrong values, places and lengths") {
    CHECK(judge_properties(Raw().u8(0x01).u8(2)) == protocol_error);
    CHECK(judge_properties(Raw().u8(0x08).text("a/#")) == protocol_error);
    CHECK(judge_properties(Raw().u8(0x02).u32(1).u8(0x02).u32(1)) == protocol_error);
    CHECK(judge_properties(Raw().u8(0x1F).text("why")) == malformed);
    CHECK(judge(Raw().text("t").u8(9).u8(0x01).u8(1), v5) == malformed);  // the block is longer than the packet
    CHECK(judge(Raw().text("t"), v5) == malformed);                       // no property length
    CHECK(judge(Raw().text("t").u8(0x80).u8(0x00), v5) == malformed);     // overlong property length
}

TEST_CASE("a topic longer than the packet is malformed") {
    for (const Version version : all_versions) {
        CHECK(judge(Raw{0, 5, 'a', 'b', 'c', 'd'}, version) == malformed);
        CHECK(judge(Raw{0xFF, 0xFF, 'a'}, version) == malformed);
        CHECK(judge(Raw{0}, version) == malformed);
        CHECK(judge(Raw(), version) == malformed);
    }
}

TEST_CASE("the size of a PUBLISH that is too large to be sent is still told") {
    Publish packet;
    packet.topic = "t";
    const ByteVector byte(1);
    packet.payload = Bytes(byte.data(), std::size_t{variable_integer_max});  // only its size is looked at
    CHECK(encoded_size(packet, v3_1_1) > packet_size_max);
}

}  // namespace ledge::wire
