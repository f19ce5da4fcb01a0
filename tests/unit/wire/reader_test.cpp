#include "reader.hpp"

#include "packet_bytes.hpp"

namespace ledge::wire {

TEST_CASE("a reader takes numbers, strings and the rest in order") {
    const ByteVector bytes{1, 2, 3, 4, 5, 6, 7, 0, 2, 'h', 'i', 9, 9};
    Reader in(bytes);
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0x0203);
    CHECK(in.u32() == 0x04050607);
    CHECK(in.text() == "hi");
    CHECK(in.rest().size() == 2);
    CHECK(in.at_end());
    CHECK(in.ok());
}

TEST_CASE("the first failure sticks, and nothing is read after it") {
    const ByteVector bytes{0, 9, 'x', 1, 2, 3};
    Reader in(bytes);
    CHECK(in.prefixed().empty());  // announces more than there is
    CHECK(in.error() == malformed);
    CHECK(in.at_end());
    CHECK(in.u8() == 0);
    CHECK(in.u16() == 0);
    CHECK(in.u32() == 0);
    CHECK(in.variable() == 0);
    CHECK(in.rest().empty());
    in.fail(Rule::reason_code);
    CHECK(in.error() == malformed);
}

TEST_CASE("every read at the end of the bytes fails instead of running over") {
    const ByteVector bytes{7};
    for (int kind = 0; kind < 5; ++kind) {
        Reader in(bytes);
        if (kind == 0) in.u16();
        if (kind == 1) in.u32();
        if (kind == 2) in.bytes(2);
        if (kind == 3) in.text();
        if (kind == 4) in.packet_id();
        CHECK(in.error() == malformed);
    }
}

TEST_CASE("[MQTT-1.5.5-1] variable byte integers: limits accepted, overlong and five-byte ones malformed") {
    struct Row {
        ByteVector bytes;
        std::uint32_t value;
        ReasonCode outcome;
    };
    const Row table[] = {
        {{0x00}, 0, accepted},
        {{0x7F}, 127, accepted},
        {{0x80, 0x01}, 128, accepted},
        {{0xFF, 0xFF, 0xFF, 0x7F}, variable_integer_max, accepted},
        {{0x80, 0x00}, 0, malformed},
        {{0xFF, 0x00}, 127, malformed},
        {{0x80, 0x80, 0x00}, 0, malformed},
        {{0x81, 0x80, 0x80, 0x00}, 1, malformed},
        {{0x80, 0x80, 0x80, 0x80}, 0, malformed},
        {{0x80, 0x80, 0x80, 0x80, 0x01}, 0, malformed},
        {{}, 0, malformed},
        {{0x80}, 0, malformed},
        {{0xFF, 0xFF, 0xFF}, 0, malformed},
    };
    for (const Row& row : table) {
        Reader in(row.bytes);
        const std::uint32_t value = in.variable();
        CHECK(in.error() == row.outcome);
        if (in.ok()) CHECK(value == row.value);
    }
}

TEST_CASE("[MQTT-2.2.1-3] packet id 0 is malformed") {
    const ByteVector zero{0, 0};
    Reader in(zero);
    in.packet_id();
    CHECK(in.error() == malformed);
}

}  // namespace ledge::wire
