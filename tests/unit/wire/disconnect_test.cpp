#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

ReasonCode judge(const Raw& body, Version version) { return outcome(decode_disconnect(body.packet(0xE0), version)); }

}  // namespace

TEST_CASE("DISCONNECT comes back as sent, v5") {
    PropertyBuilder properties;
    properties.number(PropertyId::session_expiry_interval, 60).text(PropertyId::reason_string, "bye");
    for (const ReasonCode code : {ReasonCode::success, ReasonCode::disconnect_with_will, ReasonCode::server_moved}) {
        for (const bool with_properties : {false, true}) {
            const Disconnect packet{code, with_properties ? properties.view() : Properties()};
            const ByteVector frame = encoded(packet, v5);
            const auto decoded = decode_disconnect(frame, v5);
            REQUIRE(decoded.ok());
            CHECK(decoded->code == code);
            CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));
        }
    }
}

TEST_CASE("5.0 section 3.14.2: the short forms") {
    CHECK(encoded(Disconnect{}, v5) == ByteVector{0xE0, 0});
    CHECK(encoded(Disconnect{ReasonCode::session_taken_over, {}}, v5) == ByteVector{0xE0, 1, 0x8E});
    CHECK(judge(Raw{0x00}, v5) == accepted);
    CHECK(judge(Raw{0x04, 0x00}, v5) == accepted);
}

TEST_CASE("before v5 a DISCONNECT is two bytes") {
    PropertyBuilder properties;
    properties.user("a", "b");
    for (const Version version : versions_3) {
        CHECK(encoded(Disconnect{ReasonCode::server_shutting_down, properties.view()}, version) == ByteVector{0xE0, 0});
        CHECK(judge(Raw(), version) == accepted);
        CHECK(judge(Raw{0}, version) == malformed);
    }
}

TEST_CASE("[MQTT-3.14.2-1] a foreign reason code is a protocol error") {
    CHECK(judge(Raw{0x01}, v5) == protocol_error);
    CHECK(judge(Raw{0x84}, v5) == protocol_error);
    CHECK(judge(Raw{0xFF}, v5) == protocol_error);
}

TEST_CASE("[MQTT-3.14.1-1] a DISCONNECT with any flag is malformed") {
    for (const Version version : all_versions) {
        for (unsigned flags = 1; flags < 16; ++flags) {
            CHECK(outcome(decode_disconnect(Raw().packet(0xE0 | flags), version)) == malformed);
        }
    }
}

TEST_CASE("properties of a DISCONNECT, and bytes behind them") {
    const auto with = [](const Raw& block) { return judge(Raw{0}.properties(block), v5); };
    CHECK(with(Raw().u8(0x1C).text("other:1883")) == accepted);
    CHECK(with(Raw().u8(0x11).u32(1).u8(0x11).u32(1)) == protocol_error);
    CHECK(with(Raw().u8(0x21).u16(1)) == malformed);
    CHECK(judge(Raw{0, 0, 0}, v5) == malformed);
    CHECK(judge(Raw{0, 3}, v5) == malformed);
}

}  // namespace ledge::wire
