// The seal of a row: every value in the store consists of a body and a checksum. The checksum covers the table and the
// key too. A row is not opened if its bytes have changed, or if it stands under another key or in another table. Only
// this file adds and removes the seal; code that writes or reads bodies never sees it.
//
//   value := body seal:u32        seal: CRC-32C of table:u8 key body, big endian
//
// CRC-32C detects every change of up to 3 bits in a row below 256 MiB and every burst of up to 32 bits. Of all other
// changes it misses one in 2^32.
#pragma once

#include <optional>

#include "schema.hpp"

namespace ledge::storage {

inline constexpr std::size_t seal_size = 4;
inline constexpr const char* wrong_seal = "its checksum does not match";

/// The seal of the row whose body is `head` followed by `rest`.
std::uint32_t seal_of(Table table, Bytes key, Bytes head, Bytes rest = {});
/// Writes the 4 bytes of a seal, big endian.
void write_seal(Byte* to, std::uint32_t seal);

/// The body of a value; nothing when its seal is wrong.
std::optional<Bytes> open_row(Table table, Bytes key, Bytes value);

// For the meta row, which belongs to no table
std::uint32_t checksum_of(Bytes bytes);
/// The bytes before the checksum at the end; nothing when the checksum is wrong.
std::optional<Bytes> open_checksum(Bytes bytes);

}  // namespace ledge::storage
