// Link format 1: the framer for serial lines.
#include <algorithm>

#include "device.hpp"
#include "ledge/base/rng.hpp"

using fwclient::bytes;
using fwclient::Packet;
using fwclient::shown;

namespace {

Packet framed(const Packet& packet, std::size_t head_bytes = 0, bool is_idle = false) {
    Packet line;
    fwb_link_send([](void* io, std::uint8_t byte) { static_cast<Packet*>(io)->push_back(byte); }, &line, packet.data(),
                  static_cast<std::uint8_t>(head_bytes), packet.data() + head_bytes,
                  static_cast<std::uint8_t>(packet.size() - head_bytes), is_idle ? 1 : 0);
    return line;
}

std::vector<Packet> only(const Packet& packet) { return {packet}; }

struct Receiver {
    Receiver() { fwb_link_init(&link); }

    std::vector<Packet> take(const Packet& line) {
        std::vector<Packet> packets;
        for (const std::uint8_t byte : line) {
            const std::uint8_t size = fwb_link_byte(&link, byte);
            if (size == 0) continue;
            REQUIRE(size <= FWB_MTU);
            packets.emplace_back(FWB_LINK_PACKET(&link), FWB_LINK_PACKET(&link) + size);
        }
        return packets;
    }

    fwb_link link{};
};

Packet random_packet(ledge::Rng& rng, std::size_t size) {
    Packet packet(size);
    // Half of the packets have many zeros, which COBS has to replace.
    const bool has_zeros = rng.one_in(2);
    for (std::uint8_t& byte : packet) {
        byte = has_zeros && rng.one_in(2) ? std::uint8_t{0} : static_cast<std::uint8_t>(rng.below(256));
    }
    return packet;
}

}  // namespace

TEST_CASE("link: the vectors of PROTOCOL.md, in both directions") {
    const std::pair<const char*, const char*> vectors[] = {
        {"02 16", "05 02 16 09 9a 00"},
        {"0a 04 04 01 00 1e 64 65 76 31", "05 0a 04 04 01 08 1e 64 65 76 31 f2 dc 00"},
        {"0c 0c 20 00 01 00 01 74 3d 30 30 30", "04 0c 0c 20 02 01 09 01 74 3d 30 30 30 2d be 00"},
        {"'123456789'", "0c 31 32 33 34 35 36 37 38 39 29 b1 00"},  // the check value of CRC-16/CCITT-FALSE
    };
    for (const auto& [packet, frame] : vectors) {
        CHECK(shown(framed(bytes(packet))) == frame);
        CHECK(Receiver().take(bytes(frame)) == only(bytes(packet)));
    }
    CHECK(shown(framed(bytes("02 16"), 0, true)) == "00 05 02 16 09 9a 00");
}

TEST_CASE("link: where head and body are cut does not change the frame") {
    const Packet packet = bytes("0c 0c 20 00 01 00 01 74 00 30 00 00");
    for (std::size_t cut = 0; cut <= packet.size(); ++cut) CHECK(framed(packet, cut) == framed(packet));
}

TEST_CASE("link: packets of every size up to the MTU arrive as they were, in one stream") {
    ledge::Rng rng(1);
    Receiver receiver;
    for (int round = 0; round < 200; ++round) {
        for (std::size_t size = 2; size <= FWB_MTU; ++size) {
            const Packet packet = random_packet(rng, size);
            const Packet line = framed(packet, rng.below(size), rng.one_in(2));
            REQUIRE(std::count(line.begin(), line.end() - 1, 0) <= 1);  // the leading one of an idle line at most
            REQUIRE(receiver.take(line) == only(packet));
        }
    }
    CHECK(receiver.link.bad_frames == 0);
}

TEST_CASE("link: a frame above the MTU is dropped and counted, and the next one arrives") {
    ledge::Rng rng(2);
    Receiver receiver;
    for (std::size_t size = FWB_MTU + 1; size <= 250; ++size)
        CHECK(receiver.take(framed(random_packet(rng, size))).empty());
    CHECK(receiver.link.bad_frames == 250 - FWB_MTU);
    CHECK(receiver.take(framed(bytes("02 16"))) == only(bytes("02 16")));
    // A line that never sends a zero cannot overrun the buffer.
    CHECK(receiver.take(Packet(100'000, 0x55)).empty());
    CHECK(receiver.take(bytes("00")).empty());
    CHECK(receiver.take(framed(bytes("02 16"))) == only(bytes("02 16")));
}

TEST_CASE("link: each single flipped bit of a frame of 40 bytes is noticed") {
    ledge::Rng rng(3);
    for (int round = 0; round < 20; ++round) {
        const Packet packet = random_packet(rng, 36);
        const Packet frame = framed(packet);
        REQUIRE(frame.size() == 40);
        for (std::size_t bit = 0; bit < 8 * (frame.size() - 1); ++bit) {
            Packet damaged = frame;
            damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
            Receiver receiver;
            REQUIRE(receiver.take(damaged).empty());
            REQUIRE(receiver.link.bad_frames > 0);
            REQUIRE(receiver.take(framed(packet)) == only(packet));
        }
    }
}

TEST_CASE("link: after any noise at most one frame is lost") {
    ledge::Rng rng(4);
    for (int round = 0; round < 5000; ++round) {
        Receiver receiver;
        for (const Packet& found : receiver.take(random_packet(rng, rng.below(300)))) {
            MESSAGE("noise looked like a frame: ",
                    shown(found));  // once in 65536 short frames; it does not matter here
        }
        const Packet packet = random_packet(rng, 2 + rng.below(FWB_MTU - 1));
        receiver.take(framed(packet));  // may be lost: the noise has no end
        REQUIRE(receiver.take(framed(packet)) == only(packet));
    }
}

TEST_CASE("link: the zero before a frame on an idle line saves the first frame after noise") {
    Receiver receiver;
    CHECK(receiver.take(bytes("07 ff 12")).empty());
    CHECK(receiver.take(framed(bytes("02 16"), 0, true)) == only(bytes("02 16")));
    CHECK(receiver.link.bad_frames == 1);
}

TEST_CASE("link: zeros alone are no frames and no errors") {
    Receiver receiver;
    CHECK(receiver.take(Packet(1000, 0)).empty());
    CHECK(receiver.link.bad_frames == 0);
}

TEST_CASE("link: a frame that begins with a whole packet and its CRC, but goes on, is dropped") {
    for (const std::size_t more : {1U, 2U, 50U}) {
        const Packet packet(FWB_MTU, 0x11);
        Packet frame = framed(packet);
        frame.pop_back();
        frame.front() = static_cast<std::uint8_t>(frame.front() + more);  // one block: there is no zero in it
        frame.insert(frame.end(), more, 0x22);
        frame.push_back(0);
        Receiver receiver;
        CHECK(receiver.take(frame).empty());
        CHECK(receiver.link.bad_frames == 1);
        CHECK(receiver.take(framed(packet)) == only(packet));
    }
}
