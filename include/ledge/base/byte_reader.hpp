// ByteReader: a cursor over the fields of a stored record, big endian. A read beyond the end returns zeros and is
// remembered: a parser reads all its fields and asks is_ok() once at the end. A local helper of a parser; the bytes
// must outlive it. Packets of a peer are read by wire's Reader, which names the rule that the peer has broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"

namespace ledge {

class ByteReader {
public:
    explicit ByteReader(Bytes bytes) : rest_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(number(8)); }
    /// Reads microseconds since the zero of the clock, in eight bytes. Any value is possible; the caller checks it.
    Instant instant() { return Instant(Duration(i64())); }
    /// Reads a two-byte length and as many bytes as this length says. They need not be UTF-8.
    std::string_view text() { return as_text(bytes(u16())); }
    /// Reads a variable byte integer as in MQTT packets (5.0 section 1.5.5): seven bits per byte, lowest bits first, at
    /// most four bytes.
    std::uint32_t variable() {
        std::uint32_t value = 0;
        // A fourth byte with the high bit set would need a fifth one, which MQTT forbids.
        for (unsigned shift = 0; shift <= 21; shift += 7) {
            const std::uint8_t byte = u8();
            value |= std::uint32_t{byte & 0x7FU} << shift;
            if ((byte & 0x80U) == 0) return value;
        }
        is_ok_ = false;
        return 0;
    }
    /// Returns the next `size` bytes as a view, or nothing when fewer are left.
    Bytes bytes(std::size_t size) {
        if (size > rest_.size()) {
            // No later read may succeed: the bytes behind a broken field would be read as another field.
            is_ok_ = false;
            rest_ = {};
            return {};
        }
        const Bytes read = rest_.first(size);
        rest_ = rest_.subspan(size);
        return read;
    }

    /// The unread bytes.
    Bytes rest() const { return rest_; }
    bool is_empty() const { return rest_.empty(); }
    /// False when a read went beyond the end, or a variable byte integer had no end.
    bool is_ok() const { return is_ok_; }
    bool is_ok_and_empty() const { return is_ok_ && rest_.empty(); }

private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const Byte byte : bytes(size)) value = value << 8U | byte;
        return value;
    }

    Bytes rest_;
    bool is_ok_ = true;
};

}  // namespace ledge
