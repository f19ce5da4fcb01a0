// mqttsn_fuzz: input := kind:u8 rest. kind % 2 = 0: `rest` is one packet of MQTT-SN. What decodes, encodes to a packet
// that decodes to the same bytes again. kind % 2 = 1: `rest` is what a serial line brings. Whatever it is, a good frame
// behind the next 0x00 arrives, pieces give the same packets as the whole, and each frame is counted once.
#include <string>

#include "input.hpp"
#include "ledge/mqttsn/link_framer.hpp"
#include "ledge/mqttsn/messages.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using namespace ledge::mqttsn;
using fuzz::require;

std::vector<Byte> encoded(const Message& message) {
    std::vector<Byte> bytes(encoded_size(message));
    wire::Writer out(bytes);
    encode(message, out);
    require(out.written() == bytes.size(), "encoded_size() is right");
    return bytes;
}

void try_packet(const std::vector<Byte>& packet) {
    const auto message = decode(packet);
    if (!message.ok()) return require(message.error().rule != Rule::none, "an error names a rule");
    require(name_of(type_of(*message)) != "?", "a message has a name");
    const std::vector<Byte> first = encoded(*message);
    // The long form of the Length field and unused bits of the flags are not kept.
    require(first.size() <= packet.size(), "no form is shorter than the one that is written");
    const auto again = decode(first);
    require(again.ok() && type_of(*again) == type_of(*message), "what is written can be read");
    require(encoded(*again) == first, "and means the same");
    if (const auto* forward = std::get_if<Forward>(&*message))
        try_packet(std::vector<Byte>(forward->inner.begin(), forward->inner.end()));
}

/// The packets of a stream that comes in pieces, with their sizes in front.
std::string packets_of(LinkFramer& framer, Bytes stream, std::size_t piece_size) {
    std::string all;
    while (!stream.empty()) {
        const Bytes part = stream.first(std::min(piece_size, stream.size()));
        stream = stream.subspan(part.size());
        const std::vector<Byte> alone(part.begin(), part.end());
        Bytes rest(alone);
        while (const auto packet = framer.next(rest)) {
            require(packet->size() >= link_packet_bytes_min && packet->size() <= link_packet_bytes_max,
                    "a packet has its size");
            all += static_cast<char>(packet->size());
            all += as_text(*packet);
        }
        require(rest.empty(), "all input is used up");
    }
    return all;
}

void try_line(const std::vector<Byte>& stream, std::size_t piece_size, bool is_opening) {
    LinkFramer whole;
    LinkFramer pieces;
    if (is_opening) {
        whole.open();
        pieces.open();
    }
    require(packets_of(whole, stream, stream.size() + 1) == packets_of(pieces, stream, piece_size),
            "pieces give the same packets");
    const auto zeros = static_cast<std::uint64_t>(std::count(stream.begin(), stream.end(), Byte{0}));
    require(whole.counters().frames + whole.counters().dropped() <= zeros, "each end of a frame counts once");
    // In step again: behind one 0x00 the next frame arrives.
    const Byte good[] = {0x00, 0x05, 0x02, 0x16, 0x09, 0x9a, 0x00};
    const std::string last = packets_of(whole, good, 7);
    require(last.ends_with(std::string("\x02\x02\x16", 3)), "the next frame arrives");
    // A packet made of the input survives the line.
    if (stream.size() < link_packet_bytes_min || stream.size() > link_packet_bytes_max) return;
    std::array<Byte, link_frame_bytes_max> frame;
    const std::size_t size = encode_frame(stream, frame);
    const std::string got = packets_of(whole, Bytes(frame).first(size), 5);
    require(got.substr(1) == as_text(stream), "a frame survives the line");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned kind = input.byte();
    if (kind % 2 == 0)
        try_packet(input.bytes(70'000));
    else
        try_line(input.bytes(4096), 1 + kind / 4 % 16, kind / 2 % 2 != 0);
    return 0;
}
