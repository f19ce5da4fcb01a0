#include "reason_codes.hpp"

#include <algorithm>

#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

/// 5.0 table 2-6, transposed: which packets a code may stand in.
struct Row {
    unsigned code;
    std::vector<PacketType> packets;
};

using enum PacketType;

const std::vector<Row>& table() {
    static const std::vector<Row> rows = {
        {0x00, {connack, puback, pubrec, pubrel, pubcomp, suback, unsuback, disconnect, auth}},
        {0x01, {suback}},
        {0x02, {suback}},
        {0x04, {disconnect}},
        {0x10, {puback, pubrec}},
        {0x11, {unsuback}},
        {0x18, {auth}},
        {0x19, {auth}},
        {0x80, {connack, puback, pubrec, suback, unsuback, disconnect}},
        {0x81, {connack, disconnect}},
        {0x82, {connack, disconnect}},
        {0x83, {connack, puback, pubrec, suback, unsuback, disconnect}},
        {0x84, {connack}},
        {0x85, {connack}},
        {0x86, {connack}},
        {0x87, {connack, puback, pubrec, suback, unsuback, disconnect}},
        {0x88, {connack}},
        {0x89, {connack, disconnect}},
        {0x8A, {connack}},
        {0x8B, {disconnect}},
        {0x8C, {connack, disconnect}},
        {0x8D, {disconnect}},
        {0x8E, {disconnect}},
        {0x8F, {suback, unsuback, disconnect}},
        {0x90, {connack, puback, pubrec, disconnect}},
        {0x91, {puback, pubrec, suback, unsuback}},
        {0x92, {pubrel, pubcomp}},
        {0x93, {disconnect}},
        {0x94, {disconnect}},
        {0x95, {connack, disconnect}},
        {0x96, {disconnect}},
        {0x97, {connack, puback, pubrec, suback, disconnect}},
        {0x98, {disconnect}},
        {0x99, {connack, puback, pubrec, disconnect}},
        {0x9A, {connack, disconnect}},
        {0x9B, {connack, disconnect}},
        {0x9C, {connack, disconnect}},
        {0x9D, {connack, disconnect}},
        {0x9E, {suback, disconnect}},
        {0x9F, {connack, disconnect}},
        {0xA0, {disconnect}},
        {0xA1, {suback, disconnect}},
        {0xA2, {suback, disconnect}},
    };
    return rows;
}

}  // namespace

TEST_CASE("each packet type accepts exactly the reason codes of 5.0 section 2.4") {
    for (unsigned type = 0; type < 16; ++type) {
        for (unsigned code = 0; code < 256; ++code) {
            const auto packet = static_cast<PacketType>(type);
            const auto row = std::find_if(table().begin(), table().end(), [&](const Row& r) { return r.code == code; });
            const bool expected = row != table().end() &&
                                  std::find(row->packets.begin(), row->packets.end(), packet) != row->packets.end();
            if (is_code_of(packet, static_cast<std::uint8_t>(code)) != expected) FAIL_CHECK(type, " ", code);
        }
    }
}

}  // namespace ledge::wire
