// The layout of the store and its version. Bodies are kept as they come; load, the check of a damaged file and the
// tools look into them with session/records.
//
// Version 2 (not released yet): each value ends with a seal (row_seal.hpp), `fresh` has the number in its key, the meta
// row has a checksum and a copy, session and queued records may grow at their end (include/ledge/journal/records.hpp
// says how a record gets a new field without a new version). Stores of version 1 are taken over: upgrade.hpp.
//
// One LMDB file, DIRECTORY/data.mdb. Integers big endian, so that keys sort as numbers do.
//
//   main      := "meta" -> meta  "meta copy" -> meta        rows of the unnamed database, beside the named ones' roots:
//                                                           that page is written by every commit anyway
//   meta      := "LedgeMQ\0" version:u32 next_number:u64 logical_us:i64 wall_us:i64 device_bytes:u64 checksum:u32
//                Of every version from 2 on: the checksum (CRC-32C) of all bytes before it comes last.
//
//   Each value of the tables below is followed by its seal.
//   session   := number:u64              -> session record
//   sub       := session:u64 number:u64  -> subscription record
//   q         := session:u64 number:u64  -> queued record
//   msg       := number:u64              -> publication record, once for all queues
//   in2       := session:u64 packet_id:u16 -> ""
//   retained  := number:u64              -> publication record
//   fresh     := sequence:u64 number:u64 -> kind:u8 publication record                 newer than `retained`
//                                           kind: 0 the message, 1 dropped, 2 see `retained` again
//                                           (the number is in the key: a damaged value does not hide whose it is)
//   session, number, sequence: 1 … 2^63 - 1; packet_id: 1 … 65,535
//
// Record bodies: include/ledge/journal/records.hpp. Reference counts of messages are not stored: load() counts.
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

/// The named databases, in the order in which a reader of a whole store wants them. The seal of each row covers the
/// number of its table, so the numbers stay as they are. src/storage/table_traits.hpp says what is in each.
enum class Table : std::uint8_t { session, subscription, received, retained, fresh, queued, message };
inline constexpr std::size_t table_count = 7;
inline constexpr std::array<Table, table_count> all_tables{
    Table::session, Table::subscription, Table::received, Table::retained, Table::fresh, Table::queued, Table::message};

/// The largest number that a key holds.
inline constexpr std::uint64_t number_max = ~std::uint64_t{0} >> 1U;

constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table); }

std::uint64_t read_u64(const Byte* from);
void write_u64(Byte* to, std::uint64_t value);

/// A key of up to two parts.
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
    std::chrono::microseconds wall{};  // at the same moment
    std::uint64_t device_bytes = 0;    // written since the store was created, as far as accounted
};
inline constexpr std::size_t meta_size = 8 + 4 + 8 + 8 + 8 + 8 + 4;
std::array<Byte, meta_size> encode(const Meta& meta);
/// Nothing when the row is damaged or not ours. A newer version is read as far as it goes: look at `version` first.
std::optional<Meta> parse_meta(Bytes row);
/// Whether the row begins as each of ours does, damaged or not.
bool is_meta_of_ours(Bytes row);

/// The logical time to start with: where it stood, plus what the calendar says has passed, if both its readings can
/// be right. A gateway without a battery clock starts somewhere in the past and jumps later: then nothing is added.
Instant resume_clock(const Meta& meta, std::chrono::microseconds wall_now);

enum class FreshKind : std::uint8_t { message = 0, dropped = 1, settled = 2 };
inline constexpr std::size_t fresh_head_size = 1;
/// The value of a row of `fresh`. Its key is sequence and number.
struct FreshBody {
    FreshKind kind = FreshKind::message;
    Bytes publication;  // a publication record exactly with FreshKind::message, else empty
};
std::array<Byte, fresh_head_size> encode_fresh_head(FreshKind kind);
std::optional<FreshBody> parse_fresh_body(Bytes body);

}  // namespace ledge::storage
