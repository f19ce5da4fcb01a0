#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

ReasonCode judge(const Raw& body, Version version = v5) { return outcome(decode_auth(body.packet(0xF0), version)); }

}  // namespace

TEST_CASE("AUTH comes back as sent") {
    PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, "SCRAM").text(PropertyId::authentication_data, "\xFF\x01");
    for (const ReasonCode code :
         {ReasonCode::success, ReasonCode::continue_authentication, ReasonCode::reauthenticate}) {
        const ByteVector frame = encoded(Auth{code, properties.view()}, v5);
        const auto decoded = decode_auth(frame, v5);
        REQUIRE(decoded.ok());
        CHECK(decoded->code == code);
        CHECK(decoded->properties.text(PropertyId::authentication_method) == "SCRAM");
        CHECK(decoded->properties.text(PropertyId::authentication_data) == "\xFF\x01");
    }
}

TEST_CASE("5.0 section 3.15.2.1: success without properties is an empty AUTH") {
    CHECK(encoded(Auth{}, v5) == ByteVector{0xF0, 0});
    CHECK(judge(Raw()) == accepted);
}

TEST_CASE("5.0 section 3.15.2.2.2: an AUTH without a method is a protocol error") {
    CHECK(judge(Raw{0x18}) == protocol_error);
    CHECK(judge(Raw{0x18, 0}) == protocol_error);
    CHECK(judge(Raw{0x18}.properties(Raw().u8(0x16).text("data"))) == protocol_error);
    CHECK(judge(Raw{0x18}.properties(Raw().u8(0x26).text("a").text("b"))) == protocol_error);
    CHECK(judge(Raw{0x18}.properties(Raw().u8(0x15).text("m").u8(0x15).text("m"))) == protocol_error);
}

TEST_CASE("[MQTT-3.15.2-1] a foreign reason code is a protocol error") {
    const Raw method = Raw().u8(0x15).text("m");
    for (unsigned code = 0; code < 256; ++code) {
        const bool is_known = code == 0x00 || code == 0x18 || code == 0x19;
        CHECK(judge(Raw().u8(code).properties(method)) == (is_known ? accepted : protocol_error));
    }
}

TEST_CASE("3.1.1 table 2.1: packet type 15 is malformed before v5") {
    for (const Version version : versions_3) CHECK(judge(Raw(), version) == malformed);
}

TEST_CASE("[MQTT-3.15.1-1] an AUTH with flags, a foreign property or bytes behind it is malformed") {
    CHECK(outcome(decode_auth(ByteVector{0xF1, 0}, v5)) == malformed);
    CHECK(judge(Raw{0x18}.properties(Raw().u8(0x11).u32(1))) == malformed);
    CHECK(judge(Raw{0x18}.properties(Raw().u8(0x15).text("m")).u8(0)) == malformed);
}

}  // namespace ledge::wire
