// The seal of a row: every value in the store is its body and a checksum, which covers the table and the key too. A row
// whose bytes have changed, or that turns up under another key or in another table, does not open. Sealing happens
// here alone: whoever writes bodies or reads them never sees the checksum.
//
//   value := body seal:u32        seal: CRC-32C of table:u8 key body, big endian
//
// CRC-32C finds every change of up to 3 bits in a row below 256 MiB, every burst of up to 32 bits, and misses one of
// 2^32 other changes.
#pragma once

#include <optional>

#include "schema.hpp"

namespace ledge::storage {

inline constexpr std::size_t seal_size = 4;
inline constexpr const char* wrong_seal = "its checksum does not fit";

/// The seal of the row whose body is `head` and `rest` in one.
std::uint32_t seal_of(Table table, Bytes key, Bytes head, Bytes rest = {});
void write_seal(Byte* to, std::uint32_t seal);

/// The body of a value, if its seal is right.
std::optional<Bytes> open_row(Table table, Bytes key, Bytes value);

// For the meta row, which is in no table
std::uint32_t checksum_of(Bytes bytes);
/// The bytes before the checksum at the end, if that is right.
std::optional<Bytes> open_checksum(Bytes bytes);

}  // namespace ledge::storage
