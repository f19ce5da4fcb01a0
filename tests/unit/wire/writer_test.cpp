#include "ledge/wire/writer.hpp"

#include "packet_bytes.hpp"

namespace ledge::wire {

TEST_CASE("numbers are written big endian") {
    ByteVector place(7);
    Writer out(place);
    out.u8(0x01);
    out.u16(0x0203);
    out.u32(0x04050607);
    CHECK(place == ByteVector{1, 2, 3, 4, 5, 6, 7});
    CHECK(out.written() == 7);
}

TEST_CASE("[MQTT-1.5.5-1] variable byte integers take the fewest bytes: the limits of table 1-1") {
    struct Row {
        std::uint32_t value;
        ByteVector bytes;
    };
    const Row table[] = {
        {0, {0x00}},
        {127, {0x7F}},
        {128, {0x80, 0x01}},
        {16'383, {0xFF, 0x7F}},
        {16'384, {0x80, 0x80, 0x01}},
        {2'097'151, {0xFF, 0xFF, 0x7F}},
        {2'097'152, {0x80, 0x80, 0x80, 0x01}},
        {variable_integer_max, {0xFF, 0xFF, 0xFF, 0x7F}},
    };
    for (const Row& row : table) {
        ByteVector place(4);
        Writer out(place);
        out.variable(row.value);
        place.resize(out.written());
        CHECK(place == row.bytes);
        CHECK(variable_size(row.value) == row.bytes.size());
    }
}

TEST_CASE("strings carry a two-byte length, empty ones too") {
    ByteVector place(6);
    Writer out(place);
    out.prefixed("ab");
    out.prefixed(Bytes());
    CHECK(place == ByteVector{0, 2, 'a', 'b', 0, 0});
}

}  // namespace ledge::wire
