// Keys, the meta row and the head of fresh rows: to and from bytes.
#include "schema.hpp"

#include <algorithm>

#include "ledge/base/byte_reader.hpp"
#include "row_seal.hpp"

namespace ledge::storage {
namespace {

constexpr Instant logical_max = Instant(Duration(std::int64_t{1} << 61U));  // sums of instants cannot overflow

constexpr std::array<Byte, 8> magic{'L', 'e', 'd', 'g', 'e', 'M', 'Q', '\0'};

// Limits for plausible readings of the calendar. No release is older than the first limit, and a pause longer than the
// second one is more likely a clock that has jumped.
constexpr std::chrono::microseconds wall_earliest = std::chrono::seconds(1'767'225'600);  // 2026-01-01T00:00:00Z
constexpr std::chrono::microseconds rest_max = std::chrono::hours(24 * 90);

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Keys

std::uint64_t read_u64(const Byte* from) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8U | from[i];
    return value;
}

void write_u64(Byte* to, std::uint64_t value) {
    for (int i = 7; i >= 0; --i, value >>= 8U) to[i] = static_cast<Byte>(value);
}

Key Key::of(std::uint64_t number) {
    Key key;
    write_u64(key.bytes_.data(), number);
    key.size_ = 8;
    return key;
}

Key Key::of(std::uint64_t session, std::uint64_t number) {
    Key key = of(session);
    write_u64(key.bytes_.data() + 8, number);
    key.size_ = 16;
    return key;
}

Key Key::of_received(std::uint64_t session, std::uint16_t packet_id) {
    Key key = of(session);
    key.bytes_[8] = static_cast<Byte>(packet_id >> 8U);
    key.bytes_[9] = static_cast<Byte>(packet_id);
    key.size_ = 10;
    return key;
}

// ---------------------------------------------------------------------------------------------------------------------
// Meta

std::array<Byte, meta_size> encode(const Meta& meta) {
    std::array<Byte, meta_size> row{};
    std::copy(magic.begin(), magic.end(), row.begin());
    for (unsigned i = 0; i < 4; ++i) row[8 + i] = static_cast<Byte>(meta.version >> (24 - 8 * i));
    write_u64(&row[12], meta.next_number);
    write_u64(&row[20], static_cast<std::uint64_t>(meta.logical.time_since_epoch().count()));
    write_u64(&row[28], static_cast<std::uint64_t>(meta.wall.count()));
    write_u64(&row[36], meta.device_bytes);
    write_seal(&row[44], checksum_of(Bytes(row).first(44)));
    return row;
}

bool is_meta_of_ours(Bytes row) {
    return row.size() >= magic.size() && std::equal(magic.begin(), magic.end(), row.begin());
}

// A row of version 1 has no checksum and is recognised by its size. Because of the size, a flipped bit in the version
// cannot turn a row of one version into a row of the other.
std::optional<Meta> parse_meta(Bytes row) {
    if (!is_meta_of_ours(row)) return std::nullopt;
    const bool has_size_of_v1 = row.size() == meta_size - seal_size;
    const std::optional<Bytes> body = has_size_of_v1 ? std::optional(row) : open_checksum(row);
    if (!body) return std::nullopt;
    ByteReader in(body->subspan(magic.size()));
    Meta meta;
    meta.version = in.u32();
    meta.next_number = in.u64();
    meta.logical = in.instant();
    // Any value is accepted: resume_clock() uses it only if it is plausible.
    meta.wall = std::chrono::microseconds(in.i64());
    meta.device_bytes = in.u64();
    const bool is_known =
        in.is_ok() && (meta.version == 1) == has_size_of_v1 && (meta.version > schema_version || in.is_empty());
    const bool is_possible = meta.next_number > 0 && meta.next_number <= number_max && meta.logical >= Instant{} &&
                             meta.logical <= logical_max;
    return is_known && is_possible ? std::optional(meta) : std::nullopt;
}

Instant resume_clock(const Meta& meta, std::chrono::microseconds wall_now) {
    // The calendar was not set at one of the two moments, or was set back in between.
    if (meta.wall < wall_earliest || wall_now < meta.wall) return meta.logical;
    const Duration rest = wall_now - meta.wall;
    return rest <= rest_max ? meta.logical + rest : meta.logical;
}

std::array<Byte, fresh_head_size> encode_fresh_head(FreshKind kind) { return {static_cast<Byte>(kind)}; }

std::optional<FreshBody> parse_fresh_body(Bytes body) {
    ByteReader in(body);
    const std::uint8_t kind = in.u8();
    const FreshBody fresh{static_cast<FreshKind>(kind), in.rest()};
    if (!in.is_ok() || kind > static_cast<std::uint8_t>(FreshKind::settled)) return std::nullopt;
    // Exactly the rows of the kind `message` have a publication.
    if ((fresh.kind == FreshKind::message) == fresh.publication.empty()) return std::nullopt;
    return fresh;
}

}  // namespace ledge::storage
