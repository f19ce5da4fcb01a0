#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

using enum PacketType;

}  // namespace

TEST_CASE("SUBACK and UNSUBACK come back as sent, v5") {
    PropertyBuilder properties;
    properties.text(PropertyId::reason_string, "why");
    const ByteVector codes{0x00, 0x01, 0x02, 0x87, 0x8F};
    const Suback packet{suback, 0x0102, codes, properties.view()};
    const ByteVector frame = encoded(packet, v5);
    const auto decoded = decode_suback(frame, v5);
    REQUIRE(decoded.ok());
    CHECK(decoded->type == suback);
    CHECK(decoded->packet_id == 0x0102);
    CHECK(same_bytes(decoded->codes, codes));
    CHECK(same_bytes(decoded->properties.raw(), packet.properties.raw()));

    const ByteVector un_codes{0x00, 0x11, 0x87};
    const ByteVector un_frame = encoded(Suback{unsuback, 3, un_codes, {}}, v5);
    CHECK(un_frame == ByteVector{0xB0, 6, 0, 3, 0, 0x00, 0x11, 0x87});
    const auto un_decoded = decode_unsuback(un_frame, v5);
    REQUIRE(un_decoded.ok());
    CHECK(un_decoded->type == unsuback);
    CHECK(same_bytes(un_decoded->codes, un_codes));
}

TEST_CASE("3.1.1 section 3.9.3: every error code becomes 0x80 before v5") {
    const ByteVector codes{0x00, 0x01, 0x02, 0x80, 0x87, 0xA2};
    for (const Version version : versions_3) {
        const ByteVector frame = encoded(Suback{suback, 7, codes, {}}, version);
        CHECK(frame == ByteVector{0x90, 8, 0, 7, 0, 1, 2, 0x80, 0x80, 0x80});
        const auto decoded = decode_suback(frame, version);
        REQUIRE(decoded.ok());
        CHECK(decoded->codes.size() == codes.size());
    }
}

TEST_CASE("UNSUBACK before v5 has no codes") {
    const ByteVector codes{0x00, 0x11};
    for (const Version version : versions_3) {
        const ByteVector frame = encoded(Suback{unsuback, 7, codes, {}}, version);
        CHECK(frame == ByteVector{0xB0, 2, 0, 7});
        CHECK(decode_unsuback(frame, version).ok());
        CHECK(outcome(decode_unsuback(Raw{0, 7, 0}.packet(0xB0), version)) == malformed);
    }
}

TEST_CASE("[MQTT-3.9.3-2] [MQTT-3.11.3-2] a foreign reason code is a protocol error, malformed before v5") {
    CHECK(outcome(decode_suback(Raw{0, 7, 0, 0x03}.packet(0x90), v5)) == protocol_error);
    CHECK(outcome(decode_suback(Raw{0, 7, 0, 0x00, 0x11}.packet(0x90), v5)) == protocol_error);
    CHECK(outcome(decode_unsuback(Raw{0, 7, 0, 0x01}.packet(0xB0), v5)) == protocol_error);
    for (unsigned code = 3; code < 256; ++code) {
        const ReasonCode expected = code == 0x80 ? accepted : malformed;
        CHECK(outcome(decode_suback(Raw{0, 7}.u8(code).packet(0x90), v3_1_1)) == expected);
    }
}

TEST_CASE("an answer to no filter at all is malformed") {
    CHECK(outcome(decode_suback(Raw{0, 7}.packet(0x90), v3_1_1)) == malformed);
    CHECK(outcome(decode_suback(Raw{0, 7, 0}.packet(0x90), v5)) == malformed);
    CHECK(outcome(decode_unsuback(Raw{0, 7, 0}.packet(0xB0), v5)) == malformed);
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed in SUBACK and UNSUBACK; each is taken only for itself") {
    CHECK(outcome(decode_suback(Raw{0, 0, 0}.packet(0x90), v3_1_1)) == malformed);
    CHECK(outcome(decode_unsuback(Raw{0, 0}.packet(0xB0), v3_1_1)) == malformed);
    CHECK(outcome(decode_suback(Raw{0, 7, 0}.packet(0xB0), v3_1_1)) == malformed);
    CHECK(outcome(decode_unsuback(Raw{0, 7}.packet(0x90), v3_1_1)) == malformed);
}

}  // namespace ledge::wire
