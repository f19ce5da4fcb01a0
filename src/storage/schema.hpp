// The layout of the store and its version. The store keeps record bodies unchanged. Load, the check of a damaged file
// and the tools parse them with journal/records.
//
// Version 2 (not released yet): each value ends with a seal (row_seal.hpp), the key of `fresh` contains the number, the
// meta row has a checksum and a copy, session and queued records may grow at their end
// (include/ledge/journal/records.hpp says how a record gets a new field without a new version). upgrade.hpp converts
// stores of version 1.
//
// The store is one LMDB file, DIRECTORY/data.mdb. Integers are big endian, so that keys sort like numbers.
//
//   main      := "meta" -> meta  "meta copy" -> meta        rows of the unnamed database, next to the roots of the
//                                                           named databases: every commit writes this page anyway
//   meta      := "LedgeMQ\0" version:u32 next_number:u64 logical_us:i64 wall_us:i64 device_bytes:u64 checksum:u32
//                In every version from 2 on the meta row ends with the checksum (CRC-32C) of all bytes before it.
//
//   Each value of the tables below is followed by its seal.
//   session   := number:u64              -> session record
//   sub       := session:u64 number:u64  -> subscription record
//   q         := session:u64 number:u64  -> queued record
//   msg       := number:u64              -> publication record, once for all queues
//   in2       := session:u64 packet_id:u16 -> ""
//   retained  := number:u64              -> publication record
//   fresh     := sequence:u64 number:u64 -> kind:u8 publication record                 newer than `retained`
//                                           kind: 0 the message follows, 1 the message was removed, 2 `retained` has
//                                           the newest state (the number is in the key, so that a damaged value does
//                                           not hide which message the row belongs to)
//   session, number, sequence: 1 … 2^63 - 1; packet_id: 1 … 65,535
//
// Record bodies: include/ledge/journal/records.hpp. Reference counts of messages are not stored: load() counts the
// rows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

inline constexpr std::uint32_t schema_version = 2;

/// The named databases, in the order in which a reader of a whole store needs them. The seal of each row covers the
/// number of its table, so these numbers must never change. src/storage/table_traits.hpp says what each table contains.
enum class Table : std::uint8_t { session, subscription, received, retained, fresh, queued, message };
inline constexpr std::size_t table_count = 7;
inline constexpr std::array<Table, table_count> all_tables{
    Table::session, Table::subscription, Table::received, Table::retained, Table::fresh, Table::queued, Table::message};

/// The largest number in a key.
inline constexpr std::uint64_t number_max = ~std::uint64_t{0} >> 1U;

constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table); }

/// Eight bytes, big endian, so that LMDB's order of bytes is the order of the numbers.
std::uint64_t read_u64(const Byte* from);
void write_u64(Byte* to, std::uint64_t value);

/// A key of one or two parts.
class Key {
public:
    static constexpr std::size_t size_max = 16;  // bytes

    static Key of(std::uint64_t number);
    static Key of(std::uint64_t session, std::uint64_t number);
    static Key of_received(std::uint64_t session, std::uint16_t packet_id);

    Bytes bytes() const { return {bytes_.data(), size_}; }

private:
    std::array<Byte, size_max> bytes_{};
    std::size_t size_ = 0;
};

inline constexpr std::string_view meta_key = "meta";
inline constexpr std::string_view meta_copy_key = "meta copy";

struct Meta {
    std::uint32_t version = schema_version;
    std::uint64_t next_number = 1;
    Instant logical{};
    std::chrono::microseconds wall{};  // the calendar at the moment `logical`; 0 = unknown
    std::uint64_t device_bytes = 0;    // written to the device since the store was created, as far as known
};
inline constexpr std::size_t meta_size = 8 + 4 + 8 + 8 + 8 + 8 + 4;
std::array<Byte, meta_size> encode(const Meta& meta);
/// Returns nothing when the row is damaged or not a meta row of LedgeMQ. A row of a newer version is read as far as
/// this version knows it, so check Meta::version first.
std::optional<Meta> parse_meta(Bytes row);
/// The row begins like every meta row of LedgeMQ. The rest of the row may be damaged.
bool is_meta_of_ours(Bytes row);

/// The logical time of a start: the logical time at the last commit, plus the time that has passed by the calendar, if
/// both readings of the calendar are plausible. A gateway without a battery clock starts with a date in the past and
/// jumps later: then nothing is added.
Instant resume_clock(const Meta& meta, std::chrono::microseconds wall_now);

/// settled = `retained` has the newest state.
enum class FreshKind : std::uint8_t { message = 0, dropped = 1, settled = 2 };
inline constexpr std::size_t fresh_head_size = 1;
/// The body of a row of `fresh`. The key of the row is sequence and number.
struct FreshBody {
    FreshKind kind = FreshKind::message;
    Bytes publication;  // a publication record for FreshKind::message; empty for the other kinds
};
std::array<Byte, fresh_head_size> encode_fresh_head(FreshKind kind);
std::optional<FreshBody> parse_fresh_body(Bytes body);

}  // namespace ledge::storage
