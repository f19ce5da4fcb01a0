#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

using enum PacketType;

constexpr std::initializer_list<PacketType> acks = {puback, pubrec, pubrel, pubcomp};

unsigned first_byte(PacketType type) { return static_cast<unsigned>(type) << 4U | (type == pubrel ? 2U : 0U); }

ReasonCode judge(const Raw& body, PacketType type, Version version) {
    return outcome(decode_ack(body.packet(first_byte(type)), version));
}

ReasonCode error_of(PacketType type) {
    const bool is_second_half = type == pubrel || type == pubcomp;
    return is_second_half ? ReasonCode::packet_identifier_not_found : ReasonCode::quota_exceeded;
}

}  // namespace

TEST_CASE("acknowledgements come back as sent") {
    PropertyBuilder properties;
    properties.text(PropertyId::reason_string, "full");
    for (const PacketType type : acks) {
        for (const ReasonCode code : {ReasonCode::success, error_of(type)}) {
            for (const bool with_properties : {false, true}) {
                Ack packet{type, 0x1234, code, with_properties ? properties.view() : Properties()};
                const ByteVector frame = encoded(packet, v5);
                const auto decoded = decode_ack(frame, v5);
                REQUIRE(decoded.ok());
                CHECK(decoded->type == type);
                CHECK(decoded->packet_id == 0x1234);
                CHECK(decoded->code == code);
                CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));
            }
        }
    }
}

TEST_CASE("5.0 section 3.4.2.1: success without properties takes two bytes, a code alone three") {
    for (const PacketType type : acks) {
        const auto first = static_cast<Byte>(first_byte(type));
        CHECK(encoded(Ack{type, 7, ReasonCode::success, {}}, v5) == ByteVector{first, 2, 0, 7});
        const auto code = static_cast<Byte>(error_of(type));
        CHECK(encoded(Ack{type, 7, error_of(type), {}}, v5) == ByteVector{first, 3, 0, 7, code});
        CHECK(judge(Raw{0, 7, 0}, type, v5) == accepted);  // also said at length
        CHECK(judge(Raw{0, 7, 0, 0}, type, v5) == accepted);
    }
}

TEST_CASE("before v5 an acknowledgement is a packet id and nothing else") {
    PropertyBuilder properties;
    properties.user("a", "b");
    for (const Version version : versions_3) {
        for (const PacketType type : acks) {
            const ByteVector frame = encoded(Ack{type, 7, error_of(type), properties.view()}, version);
            CHECK(frame == ByteVector{static_cast<Byte>(first_byte(type)), 2, 0, 7});
            CHECK(decode_ack(frame, version).ok());
            CHECK(judge(Raw{0, 7, 0}, type, version) == malformed);
            CHECK(judge(Raw{0}, type, version) == malformed);
        }
    }
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed in an acknowledgement") {
    for (const Version version : all_versions) {
        for (const PacketType type : acks) CHECK(judge(Raw{0, 0}, type, version) == malformed);
    }
}

TEST_CASE("[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] a foreign reason code is a protocol error") {
    for (const PacketType type : acks) {
        CHECK(judge(Raw{0, 7, 0x01}, type, v5) == protocol_error);
        CHECK(judge(Raw{0, 7, 0xFF}, type, v5) == protocol_error);
    }
    CHECK(judge(Raw{0, 7, 0x92}, puback, v5) == protocol_error);
    CHECK(judge(Raw{0, 7, 0x92}, pubrec, v5) == protocol_error);
    CHECK(judge(Raw{0, 7, 0x10}, puback, v5) == accepted);
    CHECK(judge(Raw{0, 7, 0x10}, pubrel, v5) == protocol_error);
    CHECK(judge(Raw{0, 7, 0x97}, pubcomp, v5) == protocol_error);
}

TEST_CASE("[MQTT-2.1.3-1] PUBREL has flags 0b0010; with DUP only MQTT 3.1 knows it") {
    const Raw body{0, 7};
    for (const Version version : all_versions) {
        CHECK(outcome(decode_ack(body.packet(0x62), version)) == accepted);
        CHECK(outcome(decode_ack(body.packet(0x60), version)) == malformed);
        CHECK(outcome(decode_ack(body.packet(0x6A), version)) == (version == v3_1 ? accepted : malformed));
        CHECK(outcome(decode_ack(body.packet(0x4A), version)) == malformed);
    }
}

TEST_CASE("properties of an acknowledgement: only Reason String and User Property") {
    for (const PacketType type : acks) {
        const auto with = [&](const Raw& block) { return judge(Raw{0, 7, 0}.properties(block), type, v5); };
        CHECK(with(Raw().u8(0x1F).text("why")) == accepted);
        CHECK(with(Raw().u8(0x1F).text("why").u8(0x1F).text("why")) == protocol_error);
        CHECK(with(Raw().u8(0x26).text("a").text("b").u8(0x26).text("a").text("b")) == accepted);
        CHECK(with(Raw().u8(0x11).u32(1)) == malformed);
        CHECK(judge(Raw{0, 7, 0, 0, 0}, type, v5) == malformed);  // behind the properties
        CHECK(judge(Raw{0, 7, 0, 5}, type, v5) == malformed);
    }
}

TEST_CASE("other packets are not acknowledgements") {
    CHECK(outcome(decode_ack(ByteVector{0x30, 2, 0, 7}, v5)) == malformed);
    CHECK(outcome(decode_ack(ByteVector{0x82, 2, 0, 7}, v5)) == malformed);
    CHECK(outcome(decode_ack(Bytes(), v5)) == malformed);
}

}  // namespace ledge::wire
