#include "packet_bytes.hpp"

namespace ledge::wire {

TEST_CASE("CONNACK comes back as sent, v5") {
    PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 20).text(PropertyId::assigned_client_identifier, "auto-1");
    Connack packet;
    packet.session_present = true;
    packet.properties = properties.view();
    const ByteVector frame = encoded(packet, v5);
    const auto decoded = decode_connack(frame, v5);
    REQUIRE(decoded.ok());
    CHECK(decoded->session_present);
    CHECK(decoded->code == ReasonCode::success);
    CHECK(decoded->properties.number(PropertyId::receive_maximum) == 20U);
    CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));

    packet = Connack{};
    packet.code = ReasonCode::banned;
    CHECK(encoded(packet, v5) == ByteVector{0x20, 3, 0, 0x8A, 0});
}

TEST_CASE("CONNACK before v5 carries the return code, and decode tells what it means") {
    const ReasonCode meaning[] = {ReasonCode::success,
                                  ReasonCode::unsupported_protocol_version,
                                  ReasonCode::client_identifier_not_valid,
                                  ReasonCode::server_unavailable,
                                  ReasonCode::bad_user_name_or_password,
                                  ReasonCode::not_authorized};
    for (const Version version : versions_3) {
        for (std::uint8_t code = 0; code < 6; ++code) {
            Connack packet;
            packet.return_code_v3 = code;
            packet.code = ReasonCode::quota_exceeded;  // not on the wire
            const ByteVector frame = encoded(packet, version);
            CHECK(frame == ByteVector{0x20, 2, 0, code});
            const auto decoded = decode_connack(frame, version);
            REQUIRE(decoded.ok());
            CHECK(decoded->return_code_v3 == code);
            CHECK(decoded->code == meaning[code]);
        }
    }
}

TEST_CASE("MQTT 3.1 has no session present: it is not sent and its byte is not looked at") {
    Connack packet;
    packet.session_present = true;
    CHECK(encoded(packet, v3_1) == ByteVector{0x20, 2, 0, 0});
    CHECK(encoded(packet, v3_1_1) == ByteVector{0x20, 2, 1, 0});
    const auto decoded = decode_connack(ByteVector{0x20, 2, 0x7F, 0}, v3_1);
    REQUIRE(decoded.ok());
    CHECK_FALSE(decoded->session_present);
}

TEST_CASE("[MQTT-3.2.2-1] reserved acknowledge flags are malformed") {
    for (unsigned flags = 2; flags < 256; ++flags) {
        CHECK(outcome(decode_connack(Raw().u8(flags).u8(0).packet(0x20), v3_1_1)) == malformed);
        CHECK(outcome(decode_connack(Raw().u8(flags).u8(0).u8(0).packet(0x20), v5)) == malformed);
    }
}

TEST_CASE("[MQTT-3.2.2-6] 3.1.1 [MQTT-3.2.2-4] session present with a refusal is a protocol error") {
    CHECK(outcome(decode_connack(Raw{1, 0x87, 0}.packet(0x20), v5)) == protocol_error);
    CHECK(outcome(decode_connack(Raw{1, 5}.packet(0x20), v3_1_1)) == protocol_error);
}

TEST_CASE("[MQTT-3.2.2-8] a code the table of CONNACK does not know is a protocol error, malformed before v5") {
    CHECK(outcome(decode_connack(Raw{0, 0x8E, 0}.packet(0x20), v5)) == protocol_error);
    CHECK(outcome(decode_connack(Raw{0, 0x01, 0}.packet(0x20), v5)) == protocol_error);
    for (unsigned code = 6; code < 256; ++code) {
        CHECK(outcome(decode_connack(Raw().u8(0).u8(code).packet(0x20), v3_1_1)) == malformed);
    }
}

TEST_CASE("CONNACK has an exact length") {
    for (const Version version : versions_3) {
        CHECK(outcome(decode_connack(Raw{0, 0, 0}.packet(0x20), version)) == malformed);
        CHECK(outcome(decode_connack(Raw{0}.packet(0x20), version)) == malformed);
    }
    CHECK(outcome(decode_connack(Raw{0, 0}.packet(0x20), v5)) == malformed);
    CHECK(outcome(decode_connack(Raw{0, 0, 0, 0}.packet(0x20), v5)) == malformed);
}

}  // namespace ledge::wire
