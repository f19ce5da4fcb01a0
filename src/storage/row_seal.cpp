// The seal of a row: CRC-32C over table, key and body.
#include "row_seal.hpp"

#include <boost/crc.hpp>

namespace ledge::storage {
namespace {

// CRC-32C detects more errors than CRC-32 (zlib) at the sizes of our rows, and is as fast with a table.
using Crc = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

void add(Crc& crc, Bytes bytes) { crc.process_bytes(bytes.data(), bytes.size()); }

std::uint32_t read_seal(const Byte* from) {
    return std::uint32_t{from[0]} << 24U | std::uint32_t{from[1]} << 16U | std::uint32_t{from[2]} << 8U | from[3];
}

}  // namespace

std::uint32_t seal_of(Table table, Bytes key, Bytes head, Bytes rest) {
    Crc crc;
    crc.process_byte(static_cast<Byte>(index_of(table)));
    add(crc, key);
    add(crc, head);
    add(crc, rest);
    return crc.checksum();
}

void write_seal(Byte* to, std::uint32_t seal) {
    for (unsigned i = 0; i < seal_size; ++i) to[i] = static_cast<Byte>(seal >> (24 - 8 * i));
}

std::optional<Bytes> open_row(Table table, Bytes key, Bytes value) {
    if (value.size() < seal_size) return std::nullopt;
    const Bytes body = value.first(value.size() - seal_size);
    if (seal_of(table, key, body) != read_seal(&value[body.size()])) return std::nullopt;
    return body;
}

std::uint32_t checksum_of(Bytes bytes) {
    Crc crc;
    add(crc, bytes);
    return crc.checksum();
}

std::optional<Bytes> open_checksum(Bytes bytes) {
    if (bytes.size() < seal_size) return std::nullopt;
    const Bytes body = bytes.first(bytes.size() - seal_size);
    return checksum_of(body) == read_seal(&bytes[body.size()]) ? std::optional(body) : std::nullopt;
}

}  // namespace ledge::storage
