// The frames of a serial line: vectors, block edges, damage, and the way back into step.
#include "ledge/mqttsn/link_framer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "ledge/base/rng.hpp"
#include "packet_text.hpp"

namespace ledge::mqttsn {
namespace {

std::vector<Byte> frame_of(Bytes packet) {
    std::array<Byte, link_frame_bytes_max> frame;
    const std::size_t size = encode_frame(packet, frame);
    REQUIRE(size <= frame.size());
    return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// The packets of a stream as hex, separated by " | ".
std::string packets_of(LinkFramer& framer, Bytes stream) {
    std::string all;
    while (const auto packet = framer.next(stream)) join(all, hex_of(*packet));
    REQUIRE(stream.empty());
    return all;
}

std::string packets_of(Bytes stream) {
    LinkFramer framer;
    return packets_of(framer, stream);
}

TEST_CASE("CRC and frames have the bytes of link format v1") {
    CHECK(crc16(as_bytes("123456789")) == 0x29B1);
    CHECK(hex_of(frame_of(bytes_of("02 16"))) == "05 02 16 09 9a 00");
    CHECK(hex_of(frame_of(bytes_of("0a 04 04 01 00 1e 64 65 76 31"))) == "05 0a 04 04 01 08 1e 64 65 76 31 f2 dc 00");
    CHECK(hex_of(frame_of(bytes_of("0c 0c 20 00 01 00 01 74 3d 30 30 30"))) ==
          "04 0c 0c 20 02 01 09 01 74 3d 30 30 30 2d be 00");
    CHECK(packets_of(bytes_of("05 02 16 09 9a 00")) == "02 16");
}

TEST_CASE("packets of every size come back, with zeros at any place and with none") {
    Rng rng(1);
    for (std::size_t size = link_packet_bytes_min; size <= link_packet_bytes_max; ++size) {
        for (unsigned kind = 0; kind < 4; ++kind) {
            std::vector<Byte> packet(size);
            for (Byte& byte : packet) {
                if (kind == 1) byte = static_cast<Byte>(1 + rng.below(255));  // no zero: the longest COBS blocks
                if (kind == 2) byte = static_cast<Byte>(rng.below(256));
                if (kind == 3) byte = static_cast<Byte>(rng.below(2));
            }
            const std::vector<Byte> frame = frame_of(packet);
            CHECK(frame.size() == size + 4);  // always four bytes more
            CHECK(std::count(frame.begin(), frame.end(), Byte{0}) == 1);
            CHECK(packets_of(frame) == hex_of(packet));
        }
    }
}

TEST_CASE("each flip of one bit in a frame of 40 bytes is noticed, and the next frame arrives") {
    std::vector<Byte> packet(36);
    std::iota(packet.begin(), packet.end(), Byte{0});
    packet[20] = 0;
    const std::vector<Byte> good = frame_of(packet);
    REQUIRE(good.size() == 40);
    const std::vector<Byte> next = frame_of(bytes_of("02 16"));
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        CAPTURE(bit);
        std::vector<Byte> stream = good;
        stream[bit / 8] = static_cast<Byte>(stream[bit / 8] ^ 1U << bit % 8);
        stream.insert(stream.end(), next.begin(), next.end());
        stream.insert(stream.end(), next.begin(), next.end());
        LinkFramer framer;
        const std::string packets = packets_of(framer, stream);
        // A flip of the last byte joins two frames, so the next one is lost with the damaged one.
        CHECK(packets == (bit / 8 == 39 ? "02 16" : "02 16 | 02 16"));
        CHECK(framer.counters().dropped() >= 1);
    }
}

TEST_CASE("drops and insertions of bytes are noticed, and the next but one frame arrives") {
    const std::vector<Byte> good = frame_of(bytes_of("0c 0c 20 00 01 00 01 74 3d 30 30 30"));
    const std::vector<Byte> next = frame_of(bytes_of("02 16"));
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::vector<Byte> shorter = good;
        shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
        for (int i = 0; i < 2; ++i) shorter.insert(shorter.end(), next.begin(), next.end());
        CHECK(packets_of(shorter) == (at + 1 == good.size() ? "02 16" : "02 16 | 02 16"));
        for (const Byte extra : {Byte{0}, Byte{7}, Byte{255}}) {
            std::vector<Byte> longer = good;
            longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), extra);
            for (int i = 0; i < 2; ++i) longer.insert(longer.end(), next.begin(), next.end());
            const std::string packets = packets_of(longer);
            CHECK((packets == "02 16 | 02 16" || (extra == 0 && (at == 0 || at + 1 == good.size()))));
        }
    }
}

TEST_CASE("what is dropped is counted by its reason") {
    LinkFramer framer;
    CHECK(packets_of(framer, bytes_of("00 00 00")).empty());  // flushes of an idle line
    CHECK(framer.counters().dropped() == 0);
    CHECK(packets_of(framer, bytes_of("05 02 16 00")).empty());
    CHECK(framer.counters().bad_cobs == 1);
    CHECK(packets_of(framer, bytes_of("04 02 09 9a 00")).empty());
    CHECK(framer.counters().too_short == 1);
    CHECK(packets_of(framer, bytes_of("05 02 17 09 9a 00")).empty());
    CHECK(framer.counters().bad_crc == 1);
    std::vector<Byte> noise(1000, 0x55);
    noise.push_back(0);
    CHECK(packets_of(framer, noise).empty());
    CHECK(framer.counters().too_long == 1);
    CHECK(packets_of(framer, bytes_of("05 02 16 09 9a 00")) == "02 16");
    CHECK(framer.counters().frames == 1);
    CHECK(framer.counters().dropped() == 4);
}

TEST_CASE("the longest frame is accepted, and one byte more is not") {
    const std::vector<Byte> packet(link_packet_bytes_max, 0x41);
    std::vector<Byte> frame = frame_of(packet);
    CHECK(frame.size() == link_frame_bytes_max);
    CHECK(packets_of(frame) == hex_of(packet));
    frame.insert(frame.end() - 1, 0x41);
    LinkFramer framer;
    CHECK(packets_of(framer, frame).empty());
    CHECK(framer.counters().too_long == 1);
}

TEST_CASE("after open() the rest of an unknown frame is discarded") {
    LinkFramer framer;
    CHECK(packets_of(framer, bytes_of("05 02")).empty());
    framer.open();
    CHECK(packets_of(framer, bytes_of("16 09 9a 00 05 02 16 09 9a 00")) == "02 16");
    CHECK(framer.counters().discarded == 3);
    CHECK(framer.counters().dropped() == 0);
}

TEST_CASE("pieces of a stream give the same packets as the whole") {
    std::vector<Byte> stream;
    for (const char* packet : {"02 16", "02 17", "0c 0c 20 00 01 00 01 74 3d 30 30 30"}) {
        const std::vector<Byte> frame = frame_of(bytes_of(packet));
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    LinkFramer framer;
    std::string all;
    for (const Byte& byte : stream) join(all, packets_of(framer, Bytes(&byte, 1)));
    CHECK(all == packets_of(stream));
    CHECK(framer.counters().frames == 3);
}

}  // namespace
}  // namespace ledge::mqttsn
