#include "packet_bytes.hpp"

namespace ledge::wire {

TEST_CASE("PINGREQ and PINGRESP are two bytes and come back as sent") {
    ByteVector place(2 * ping_size);
    Writer out(place);
    encode(Pingreq{}, out);
    encode(Pingresp{}, out);
    CHECK(place == ByteVector{0xC0, 0x00, 0xD0, 0x00});
    CHECK(decode_pingreq(Bytes(place).first(2)).ok());
    CHECK(decode_pingresp(Bytes(place).last(2)).ok());
}

TEST_CASE("5.0 section 3.12: a PINGREQ or PINGRESP with a body is malformed") {
    CHECK(outcome(decode_pingreq(ByteVector{0xC0, 0x01, 0x00})) == malformed);
    CHECK(outcome(decode_pingresp(ByteVector{0xD0, 0x01, 0x00})) == malformed);
}

TEST_CASE("[MQTT-2.1.3-1] a PINGREQ or PINGRESP with any flag is malformed") {
    for (unsigned flags = 1; flags < 16; ++flags) {
        CHECK(outcome(decode_pingreq(Raw().packet(0xC0 | flags))) == malformed);
        CHECK(outcome(decode_pingresp(Raw().packet(0xD0 | flags))) == malformed);
    }
}

TEST_CASE("what is not a PINGREQ is not taken for one") {
    CHECK(outcome(decode_pingreq(ByteVector{0xD0, 0x00})) == malformed);
    CHECK(outcome(decode_pingreq(Bytes())) == malformed);
    CHECK(outcome(decode_pingreq(ByteVector{0xC0})) == malformed);
}

}  // namespace ledge::wire
