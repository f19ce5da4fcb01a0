// connection_fuzz: input := connect_flags:u8 (length:u8 bytes | pause:u8)*. A correct CONNECT (or none), then any bytes
// in pieces of up to 200, or time: 200 and above wait (length - 199) half seconds and read everything.
#include "input.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/wire/packets.hpp"
#include "shard_stage.hpp"

namespace {

using namespace ledge;

std::vector<Byte> connect_frame(unsigned flags) {
    wire::Connect packet;
    constexpr wire::Version versions[] = {wire::Version::v5, wire::Version::v3_1_1, wire::Version::v3_1};
    packet.version = versions[flags % 3];
    packet.client_id = "fuzz";
    packet.clean_start = (flags & 4U) != 0;
    packet.keep_alive_s = (flags & 8U) != 0 ? 3 : 0;
    wire::PropertyBuilder properties;
    if (packet.version == wire::Version::v5) {
        properties.number(wire::PropertyId::session_expiry_interval, 50);
        if ((flags & 16U) != 0) properties.number(wire::PropertyId::maximum_packet_size, 60);
        if ((flags & 32U) != 0) properties.number(wire::PropertyId::topic_alias_maximum, 2);
        if ((flags & 64U) != 0) properties.number(wire::PropertyId::receive_maximum, 1);
    }
    packet.properties = properties.view();
    std::vector<Byte> frame(wire::encoded_size(packet));
    wire::Writer writer(frame);
    wire::encode(packet, writer);
    return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    fuzz::ShardStage stage;
    stage.open(0);
    const unsigned flags = input.byte();
    if ((flags & 128U) == 0) stage.feed(0, connect_frame(flags));
    while (!input.empty() && stage.is_open(0)) {
        const unsigned length = input.byte();
        if (length < 200) {
            stage.feed(0, input.bytes(length + 1U));
            stage.finish_turn();
        } else {
            stage.drain(0, 1U << 20U);
            stage.advance(500ms * (length - 199U));
        }
    }
    stage.end();
    return 0;
}
