#include "ledge/wire/framer.hpp"

#include <algorithm>

#include "packet_bytes.hpp"

namespace ledge::wire {
namespace {

using Status = Framer::Status;

constexpr std::uint32_t no_limit = packet_size_max;

/// Feeds `input` in pieces of `piece` bytes, each in memory of its own; collects the frames up to the first verdict.
struct Feed {
    std::vector<ByteVector> frames;
    Status last = Status::need_more;
    std::size_t pending = 0;

    Feed(Bytes input, std::size_t piece, std::uint32_t max = no_limit) {
        Framer framer;
        for (std::size_t at = 0; at < input.size() && last == Status::need_more; at += piece) {
            const Bytes part = input.subspan(at, std::min(piece, input.size() - at));
            const ByteVector copy(part.begin(), part.end());
            take(framer, copy, max);
        }
        pending = framer.pending();
    }

    void take(Framer& framer, Bytes rest, std::uint32_t max) {
        Framer::Next next = framer.next(rest, max);
        for (; next.status == Status::frame; next = framer.next(rest, max)) {
            frames.emplace_back(next.frame.begin(), next.frame.end());
        }
        last = next.status;
        if (last == Status::need_more) CHECK(rest.empty());
    }
};

ByteVector publish_of(std::size_t payload_size) {
    return Raw().text("t").raw(ByteVector(payload_size, 'x')).packet(0x30);
}

}  // namespace

TEST_CASE("an idle framer is 24 bytes at most") { CHECK(sizeof(Framer) <= 24); }

TEST_CASE("a stream is cut into the same packets however it is split") {
    std::vector<ByteVector> packets;
    for (const std::size_t size : {0U, 1U, 124U, 125U, 126U, 300U, 16'380U, 16'381U, 16'400U})
        packets.push_back(publish_of(size));
    packets.push_back({0xC0, 0x00});
    packets.push_back({0x40, 0x02, 0x00, 0x07});
    ByteVector stream;
    for (const ByteVector& packet : packets) stream.insert(stream.end(), packet.begin(), packet.end());

    for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 64U, 127U, 128U, 129U, 1000U, 16'384U, 100'000U}) {
        const Feed feed(stream, piece);
        CHECK(feed.frames == packets);
        CHECK(feed.last == Status::need_more);
        CHECK(feed.pending == 0);
    }
}

TEST_CASE("two packets come out whole for every place where the stream can be cut in two") {
    const std::vector<ByteVector> packets{publish_of(200), {0xC0, 0x00}, publish_of(3)};
    ByteVector stream;
    for (const ByteVector& packet : packets) stream.insert(stream.end(), packet.begin(), packet.end());
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        Framer framer;
        Feed feed({}, 1);
        const ByteVector first(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(cut));
        const ByteVector second(stream.begin() + static_cast<std::ptrdiff_t>(cut), stream.end());
        feed.take(framer, first, no_limit);
        feed.take(framer, second, no_limit);
        CHECK(feed.frames == packets);
        CHECK(framer.pending() == 0);
    }
}

TEST_CASE("a whole packet in the input is a view of the input") {
    const ByteVector input = publish_of(10);
    Framer framer;
    Bytes rest = input;
    const Framer::Next next = framer.next(rest, no_limit);
    REQUIRE(next.status == Status::frame);
    CHECK(next.frame.data() == input.data());
    CHECK(next.frame.size() == input.size());
    CHECK(rest.empty());
}

TEST_CASE("pending counts the bytes of the unfinished packet") {
    Framer framer;
    const ByteVector packet = publish_of(50);
    Bytes rest = Bytes(packet).first(20);
    CHECK(framer.next(rest, no_limit).status == Status::need_more);
    CHECK(framer.pending() == 20);
    rest = Bytes(packet).subspan(20);
    CHECK(framer.next(rest, no_limit).status == Status::frame);
    CHECK(framer.pending() == 0);
    rest = {};
    CHECK(framer.next(rest, no_limit).status == Status::need_more);
}

TEST_CASE("[MQTT-2.1.3-1] first bytes: exactly the packet types and flags of the standard pass") {
    for (unsigned first = 0; first < 256; ++first) {
        const unsigned type = first >> 4U;
        const unsigned flags = first & 0x0FU;
        bool expected = type != 0 && flags == 0;
        // [MQTT-3.3.1-4] no QoS 3, [MQTT-3.3.1-2] no DUP with QoS 0
        if (type == 3) expected = (flags & 6U) != 6 && !((flags & 8U) != 0 && (flags & 6U) == 0);
        // 0b1010: MQTT 3.1 repeats these with DUP; decode judges by version
        if (type == 6 || type == 8 || type == 10) expected = flags == 2 || flags == 10;

        const Feed whole(Raw().u8(first).u8(0).bytes(), 2);
        CHECK_MESSAGE((whole.last != Status::malformed) == expected, first);
        const Feed early(Raw().u8(first).bytes(), 1);  // told before the length is there
        CHECK_MESSAGE((early.last != Status::malformed) == expected, first);
    }
}

TEST_CASE("5.0 section 2.1.4: a remaining length of five bytes is malformed at its fourth") {
    const ByteVector input{0x30, 0xFF, 0xFF, 0xFF, 0xFF};
    for (const std::size_t piece : {1U, 2U, 5U}) CHECK(Feed(input, piece).last == Status::malformed);
    CHECK(Feed(Bytes(input).first(4), 4).last == Status::need_more);
}

TEST_CASE("[MQTT-1.5.5-1] an overlong remaining length is malformed") {
    for (const ByteVector& input :
         {ByteVector{0xC0, 0x80, 0x00}, ByteVector{0x30, 0x85, 0x80, 0x00}, ByteVector{0x30, 0x85, 0x80, 0x80, 0x00}}) {
        for (const std::size_t piece : {1U, 2U, 5U}) CHECK(Feed(input, piece).last == Status::malformed);
    }
}

TEST_CASE("[MQTT-3.2.2-15] a packet over the limit is refused by its header, before its body arrives") {
    const ByteVector packet = publish_of(300);  // 3 + 3 + 300 bytes
    const auto size = static_cast<std::uint32_t>(packet.size());
    for (const std::size_t piece : {1U, 2U, 3U, 1000U}) {
        CHECK(Feed(packet, piece, size).last == Status::need_more);
        CHECK(Feed(packet, piece, size).frames.size() == 1);
        CHECK(Feed(packet, piece, size - 1).last == Status::too_large);
        CHECK(Feed(Bytes(packet).first(3), piece, size - 1).last == Status::too_large);
    }
    const ByteVector small{0x40, 0x02, 0x00, 0x07};
    CHECK(Feed(small, 4, 4).frames.size() == 1);
    CHECK(Feed(small, 4, 3).last == Status::too_large);
    CHECK(Feed(small, 1, 3).last == Status::too_large);
}

TEST_CASE("the largest packet of the protocol is announced without memory being taken for it") {
    Framer framer;
    const ByteVector header{0x30, 0xFF, 0xFF, 0xFF, 0x7F};
    Bytes rest = header;
    CHECK(framer.next(rest, no_limit).status == Status::need_more);
    CHECK(framer.pending() == header.size());
    CHECK(framer.memory() <= 32);
}

TEST_CASE("memory grows with the bytes that arrive, not with those announced, and goes with the packet") {
    const ByteVector packet = publish_of(100'000);
    Framer framer;
    CHECK(framer.memory() == 0);
    for (std::size_t at = 0; at < packet.size(); ++at) {
        Bytes rest = Bytes(packet).subspan(at, 1);
        const bool is_last = at + 1 == packet.size();
        REQUIRE(framer.next(rest, no_limit).status == (is_last ? Status::frame : Status::need_more));
        REQUIRE(framer.memory() >= at + 1);
        REQUIRE(framer.memory() <= std::max<std::size_t>(32, 2 * (at + 1)));
        REQUIRE(framer.memory() <= packet.size());
    }
    Bytes rest;
    CHECK(framer.next(rest, no_limit).status == Status::need_more);
    CHECK(framer.memory() == 0);
}

TEST_CASE("packets before a malformed one are delivered") {
    ByteVector stream = publish_of(5);
    stream.push_back(0x00);
    for (const std::size_t piece : {1U, 3U, 100U}) {
        const Feed feed(stream, piece);
        CHECK(feed.frames.size() == 1);
        CHECK(feed.last == Status::malformed);
    }
}

}  // namespace ledge::wire
