#include "schema.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/journal/write_class.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

using std::chrono::microseconds;

TEST_CASE("keys sort as their numbers do") {
    const std::uint64_t numbers[] = {0, 1, 255, 256, 65'535, 65'536, 1ULL << 32U, ~0ULL};
    for (std::size_t i = 1; i < std::size(numbers); ++i) {
        const Key low = Key::of(numbers[i - 1]);
        const Key high = Key::of(numbers[i]);
        CHECK(std::ranges::lexicographical_compare(low.bytes(), high.bytes()));
        CHECK(std::ranges::lexicographical_compare(Key::of(numbers[i - 1], ~0ULL).bytes(),
                                                   Key::of(numbers[i], 0).bytes()));
        CHECK(read_u64(high.bytes().data()) == numbers[i]);
    }
    CHECK(Key::of_received(7, 0x1234).bytes().size() == key_size(Table::received));
    CHECK(Key::of_received(7, 0x1234).bytes()[8] == 0x12);
}

TEST_CASE("the meta row comes back as it was written") {
    Meta meta;
    meta.next_number = 77;
    meta.logical = Instant(12345us);
    meta.wall = microseconds(98765);
    meta.device_bytes = 4096;
    const auto row = encode(meta);
    const auto read = parse_meta(row);
    REQUIRE(read.has_value());
    CHECK(read->version == schema_version);
    CHECK(read->next_number == 77);
    CHECK(read->logical == meta.logical);
    CHECK(read->wall == meta.wall);
    CHECK(read->device_bytes == 4096);
}

TEST_CASE("a meta row that is cut, longer or of somebody else is none of ours") {
    auto row = encode(Meta{});
    for (std::size_t size = 0; size < row.size(); ++size) CHECK(!parse_meta(Bytes(row).first(size)));
    std::vector<Byte> longer(row.begin(), row.end());
    longer.push_back(0);
    CHECK(!parse_meta(longer));
    CHECK(is_meta_of_ours(row));
    row[0] ^= 1;
    CHECK(!is_meta_of_ours(row));
    CHECK(!parse_meta(row));
}

TEST_CASE("the meta row of a newer version is read as far as it is known") {
    Meta meta;
    meta.version = schema_version + 1;
    const auto row = encode(meta);
    std::vector<Byte> longer(row.begin(), row.end() - 4);
    longer.push_back(0);
    const std::uint32_t checksum = checksum_of(longer);
    longer.resize(longer.size() + 4);
    write_seal(&longer[longer.size() - 4], checksum);
    REQUIRE(parse_meta(longer).has_value());
    CHECK(parse_meta(longer)->version == schema_version + 1);
}

TEST_CASE("logical time goes on with the calendar only when both of its readings can be right") {
    constexpr microseconds day = std::chrono::hours(24);
    constexpr microseconds y1970 = microseconds(0);
    constexpr microseconds y2020 = day * 18'262;
    constexpr microseconds y2026 = day * 20'454;  // 2026-01-01
    struct Row {
        microseconds stored;
        microseconds now;
        microseconds added;
    };
    const Row rows[] = {
        {y2026 + day, y2026 + day, microseconds(0)},
        {y2026 + day, y2026 + day + microseconds(5), microseconds(5)},
        {y2026 + day, y2026 + 31 * day, 30 * day},
        {y2026 + day, y2026 + 91 * day, 90 * day},
        {y2026 + day, y2026 + 91 * day + microseconds(1), microseconds(0)},  // too long a rest
        {y2026 + day, y2026 + 3650 * day, microseconds(0)},                  // jumped ahead
        {y2026 + 2 * day, y2026 + day, microseconds(0)},                     // back
        {y2026 + day, y1970, microseconds(0)},                               // no clock now
        {y1970, y2026 + day, microseconds(0)},                               // no clock then
        {y2020, y2020 + day, microseconds(0)},                               // both before there was a broker
        {y2026, y2026 + day, day},
    };
    for (const Row& row : rows) {
        Meta meta;
        meta.logical = Instant(1h);
        meta.wall = row.stored;
        CAPTURE(row.stored.count());
        CAPTURE(row.now.count());
        CHECK(resume_clock(meta, row.now) == Instant(1h) + row.added);
    }
}

TEST_CASE("a flipped bit anywhere makes the meta row unreadable") {
    const auto row = encode(Meta{});
    for (std::size_t bit = 0; bit < row.size() * 8; ++bit) {
        auto flipped = row;
        flipped[bit / 8] = static_cast<Byte>(flipped[bit / 8] ^ (1U << (bit % 8)));
        CAPTURE(bit);
        CHECK(!parse_meta(flipped));
    }
}

TEST_CASE("the meta row of version 1 is known by its size") {
    Meta meta;
    meta.version = 1;
    meta.next_number = 9;
    const auto row = encode(meta);
    REQUIRE(parse_meta(Bytes(row).first(row.size() - 4)).has_value());
    CHECK(parse_meta(Bytes(row).first(row.size() - 4))->next_number == 9);
    CHECK(!parse_meta(row));
}

TEST_CASE("fresh rows: only what was written is read") {
    std::vector<Byte> body{0};
    CHECK(!parse_fresh_body(body));  // a message needs a publication record
    body.push_back(1);
    REQUIRE(parse_fresh_body(body));
    CHECK(parse_fresh_body(body)->publication.size() == 1);
    body[0] = 1;
    CHECK(!parse_fresh_body(body));  // a removal has none
    body.pop_back();
    CHECK(parse_fresh_body(body)->kind == FreshKind::dropped);
    body[0] = 3;
    CHECK(!parse_fresh_body(body));
    CHECK(!parse_fresh_body({}));
    CHECK(is_key(Table::fresh, Key::of(8, 9).bytes()));
    CHECK(!is_key(Table::fresh, Key::of(8).bytes()));
}

TEST_CASE("a key holds numbers that a broker can have given") {
    CHECK(is_key(Table::session, Key::of(1).bytes()));
    CHECK(!is_key(Table::session, Key::of(0).bytes()));
    CHECK(!is_key(Table::session, Key::of(1ULL << 63U).bytes()));
    CHECK(!is_key(Table::session, Key::of(1, 1).bytes()));
    CHECK(is_key(Table::queued, Key::of(1, 1ULL << 40U).bytes()));
    CHECK(!is_key(Table::queued, Key::of(1, 0).bytes()));
    CHECK(is_key(Table::subscription, Key::of(1, 0xFFFF'FFFF).bytes()));
    CHECK(!is_key(Table::subscription, Key::of(1, 1ULL << 32U).bytes()));
    CHECK(is_key(Table::received, Key::of_received(1, 65'535).bytes()));
    CHECK(!is_key(Table::received, Key::of_received(1, 0).bytes()));
}

TEST_CASE("every record kind has the table, key and class of its grammar") {
    using journal::RecordKind;
    using journal::WriteClass;
    struct Row {
        RecordKind kind;
        Table table;
        WriteClass write_class;
        std::size_t key_bytes;
    };
    const Row rows[] = {
        {RecordKind::session, Table::session, WriteClass::sessions, 8},
        {RecordKind::subscription, Table::subscription, WriteClass::sessions, 16},
        {RecordKind::message, Table::message, WriteClass::messages, 8},
        {RecordKind::queued, Table::queued, WriteClass::queues, 16},
        {RecordKind::received, Table::received, WriteClass::sessions, 10},
        {RecordKind::retained, Table::retained, WriteClass::retained, 8},
    };
    CHECK(std::size(rows) == journal::record_kinds);
    for (const Row& row : rows) {
        CHECK(table_of(row.kind) == row.table);
        CHECK(traits_of(row.table).write_class == row.write_class);
        const journal::Record record{row.kind, journal::Change::put, 0, 0, SessionNumber(3), 4};
        CHECK(key_of(record).bytes().size() == row.key_bytes);
        CHECK(is_key(row.table, key_of(record).bytes()));
    }
}

}  // namespace
}  // namespace ledge::storage
