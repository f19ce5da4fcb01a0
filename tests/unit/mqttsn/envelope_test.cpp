// Envelopes and their counters. fwclient/pair_test.cpp has the other end, which is written in C.
#include "ledge/mqttsn/envelope.hpp"

#include <doctest/doctest.h>

#include <array>

#include "ledge/mqttsn/device_table.hpp"
#include "ledge/mqttsn/envelope_counters.hpp"
#include "packet_text.hpp"

namespace ledge::mqttsn {
namespace {

Secret key_00_to_1f() {
    std::array<Byte, device_key_bytes> bytes{};
    for (Byte i = 0; i < device_key_bytes; ++i) bytes[i] = i;
    return Secret(bytes);
}

// The example of firmware-bridge/PROTOCOL.md section 3, which fwclient/seal_test.cpp has, too.
constexpr std::string_view protocol_example =
    "1e ff 42 00 d0 d1 d2 d3 d4 d5 d6 d7 01 02 03 04 00 00 00 05 02 16 38 5b 1e b9 e2 b6 71 fb";

TEST_CASE("envelope: the example of PROTOCOL.md is read, and its tag is right") {
    const std::vector<Byte> bytes = bytes_of(protocol_example);
    const auto envelope = read_envelope(bytes);
    REQUIRE(envelope.has_value());
    CHECK(envelope->sender == 0xD0D1D2D3D4D5D6D7);
    CHECK(envelope->counter == 5);
    CHECK(hex_of(envelope->packet) == "02 16");
    CHECK(envelope->has_tag_of(key_00_to_1f()));
    CHECK_FALSE(envelope->has_tag_of(Secret(std::array<Byte, device_key_bytes>{})));
}

TEST_CASE("envelope: the sender of a device is the beginning of SHA-256 of its client id") {
    // printf abc | sha256sum
    CHECK(sender_of("abc") == 0xBA7816BF8F01CFEA);
    CHECK(gateway_sender(sender_of("abc")) == 0x4587E94070FE3015);
}

TEST_CASE("envelope: what is made is read again, and each counter has other random bytes") {
    const std::vector<Byte> packet = bytes_of("02 17");
    const std::vector<Byte> first = make_envelope(key_00_to_1f(), 77, 1, packet);
    const std::vector<Byte> second = make_envelope(key_00_to_1f(), 77, 2, packet);
    const auto envelope = read_envelope(first);
    REQUIRE(envelope.has_value());
    CHECK(envelope->sender == 77);
    CHECK(envelope->counter == 1);
    CHECK(hex_of(envelope->packet) == "02 17");
    CHECK(envelope->has_tag_of(key_00_to_1f()));
    CHECK(hex_of(Bytes(first).subspan(12, 4)) != hex_of(Bytes(second).subspan(12, 4)));
    CHECK(make_envelope(key_00_to_1f(), 77, 1, std::vector<Byte>(227)).size() == 255);
    CHECK(make_envelope(key_00_to_1f(), 77, 1, std::vector<Byte>(228)).empty());
}

TEST_CASE("envelope: each truncation, each wrong length and each changed bit is refused") {
    const std::vector<Byte> whole = bytes_of(protocol_example);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::vector<Byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(read_envelope(cut).has_value());
        if (size == 0) continue;
        cut[0] = static_cast<Byte>(size);
        const auto envelope = read_envelope(cut);
        CHECK_FALSE((envelope && envelope->has_tag_of(key_00_to_1f())));
    }
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::vector<Byte> changed = whole;
        changed[bit / 8] = static_cast<Byte>(changed[bit / 8] ^ 1U << bit % 8);
        const auto envelope = read_envelope(changed);
        CHECK_FALSE((envelope && envelope->has_tag_of(key_00_to_1f())));
    }
    std::vector<Byte> longer = whole;
    longer.push_back(0);
    CHECK_FALSE(read_envelope(longer).has_value());
}

TEST_CASE("counters: no counter is used before its limit is on disk") {
    EnvelopeCounters counters(100, 10);
    EnvelopeCounters::Record* const record = counters.find_or_add("dev1");
    REQUIRE(record != nullptr);
    CHECK(counters.next(*record) == 0);
    REQUIRE(counters.wants_write());
    CHECK(counters.begin_write() == "ledgemq envelope counters 1\n64657631 0000000000000000 0 1124\nend 1\n");
    CHECK(counters.next(*record) == 0);
    CHECK_FALSE(counters.wants_write());  // one write at a time
    counters.end_write(false);
    CHECK(counters.wants_write());
    CHECK(counters.next(*record) == 0);
    static_cast<void>(counters.begin_write());
    counters.end_write(true);
    CHECK(counters.next(*record) == 101);
    // The next write is wanted in time, and not earlier: half a block of packets needs no write of the file.
    std::uint32_t last = 101;
    for (; !counters.wants_write() || last == 101; ++last) REQUIRE(counters.next(*record) == last + 1);
    CHECK(last - 101 == EnvelopeCounters::block / 2);
    for (; last < 1124; ++last) REQUIRE(counters.next(*record) == last + 1);
    CHECK(counters.next(*record) == 0);
}

TEST_CASE("counters: a restart goes on behind everything that may have been used") {
    EnvelopeCounters before(0, 10);
    EnvelopeCounters::Record* record = before.find_or_add("dev1");
    EnvelopeCounters::use_key(*record, 0xABCD);
    record->seen = 7;
    const std::string text = before.begin_write();
    before.end_write(true);
    record->seen = 9;
    EnvelopeCounters after(0, 10);
    REQUIRE(after.load(text));
    CHECK(after.wants_write());
    record = after.find(sender_of("dev1"));
    REQUIRE(record != nullptr);
    CHECK(record->seen == 7);
    CHECK(record->key_mark == 0xABCD);
    CHECK(after.next(*record) == 0);
    static_cast<void>(after.begin_write());
    after.end_write(true);
    CHECK(after.next(*record) == EnvelopeCounters::block + 1);
    // A new key begins anew.
    EnvelopeCounters::use_key(*record, 0xABCE);
    CHECK(record->seen == 0);
    CHECK(record->durable_seen == 0);
    CHECK(after.next(*record) == EnvelopeCounters::block + 2);
}

TEST_CASE("counters: the last counter is the last one") {
    EnvelopeCounters counters(0xFFFFFFFD, 10);
    EnvelopeCounters::Record* const record = counters.find_or_add("dev1");
    static_cast<void>(counters.begin_write());
    counters.end_write(true);
    CHECK(counters.next(*record) == 0xFFFFFFFE);
    CHECK(counters.next(*record) == 0xFFFFFFFF);
    CHECK(counters.next(*record) == 0);
    CHECK_FALSE(counters.wants_write());
}

TEST_CASE("counters: at the limit no further device is added") {
    EnvelopeCounters counters(0, 2);
    CHECK(counters.find_or_add("a") != nullptr);
    CHECK(counters.find_or_add("b") != nullptr);
    CHECK(counters.find_or_add("c") == nullptr);
    CHECK(counters.find_or_add("a") != nullptr);
}

TEST_CASE("counters: a damaged file is refused as a whole, cut at each byte as well") {
    const std::string good =
        "ledgemq envelope counters 1\n61 00000000000000ff 1 2\n62 0000000000000000 4294967295 0\nend 2\n";
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        EnvelopeCounters counters(0, 10);
        CHECK_FALSE(counters.load(good.substr(0, size)));
        CHECK(counters.size() == 0);
    }
    const std::string head = "ledgemq envelope counters 1\n";
    for (const std::string bad :
         {"6 0 1 2\nend 1\n", "6g 0 1 2\nend 1\n", " 0 1 2\nend 1\n", "61 x 1 2\nend 1\n", "61 0 -1 2\nend 1\n",
          "61 0 4294967296 2\nend 1\n", "61 0 1 2 \nend 1\n", "61 0 1\nend 1\n", "61 0 1 2\nend 2\n",
          "61 0 1 2\nend x\n", "61 0 1 2\nend 1\n\n", "61 0 1 2\n61 0 1 2\nend 2\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(EnvelopeCounters(0, 10).load(head + bad));
    }
    EnvelopeCounters counters(0, 10);
    CHECK(counters.load(good));
    CHECK(counters.size() == 2);
    EnvelopeCounters empty(0, 10);
    CHECK(empty.load(head + "end 0\n"));
    CHECK_FALSE(empty.wants_write());
}

}  // namespace
}  // namespace ledge::mqttsn
