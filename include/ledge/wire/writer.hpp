// Writer: a cursor that writes big-endian fields into memory of the caller. The caller makes the memory large enough
// (see encoded_size); the writer allocates nothing. A local helper of encode.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::wire {

class Writer {
public:
    explicit Writer(std::span<Byte> place)
        : at_(place.data()), begin_(place.data()), end_(place.data() + place.size()) {}

    void u8(std::uint8_t value) {
        // A failed assertion means that encoded_size() is wrong. Writing on would damage the memory behind the packet.
        LEDGE_ASSERT(at_ < end_);
        *at_++ = value;
    }
    void u16(std::uint16_t value) {
        LEDGE_ASSERT(end_ - at_ >= 2);
        at_[0] = static_cast<Byte>(value >> 8U);
        at_[1] = static_cast<Byte>(value);
        at_ += 2;
    }
    void u32(std::uint32_t value) {
        u16(static_cast<std::uint16_t>(value >> 16U));
        u16(static_cast<std::uint16_t>(value));
    }
    /// Writes a variable byte integer of 1 to 4 bytes [MQTT-1.5.5-1]. `value` is at most variable_integer_max.
    void variable(std::uint32_t value) {
        LEDGE_ASSERT(value <= variable_integer_max);
        // Seven bits per byte, the lowest first; the high bit says that another byte follows (5.0 section 1.5.5).
        while (value >= 0x80) {
            u8(static_cast<std::uint8_t>(value | 0x80U));
            value >>= 7U;
        }
        u8(static_cast<std::uint8_t>(value));
    }
    void raw(Bytes bytes) {
        LEDGE_ASSERT(static_cast<std::size_t>(end_ - at_) >= bytes.size());
        // The pointer of an empty view may be null, and memcpy() with a null pointer is undefined even for 0 bytes.
        if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    /// Writes a two-byte length and then the bytes, of which there may be at most 65,535.
    void prefixed(Bytes bytes) {
        LEDGE_ASSERT(bytes.size() <= 0xFFFF);
        u16(static_cast<std::uint16_t>(bytes.size()));
        raw(bytes);
    }
    void prefixed(std::string_view text) { prefixed(as_bytes(text)); }

    /// Bytes that were written so far.
    std::size_t written() const { return static_cast<std::size_t>(at_ - begin_); }

private:
    Byte* at_;
    Byte* begin_;
    Byte* end_;
};

/// Returns the size of `value` as a variable byte integer: 1 to 4 bytes.
constexpr std::size_t variable_size(std::uint32_t value) {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

}  // namespace ledge::wire
