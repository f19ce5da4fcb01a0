// Reader: a cursor over the bytes of one packet that checks bounds. The first failure stays: it moves the cursor to the
// end, every later read returns zero or nothing, and error() returns the first failure. So a decoder reads its fields
// one after another, and checks for failure once at the end. Private to wire; a local helper of decode.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/utf8.hpp"
#include "ledge/wire/violation.hpp"

namespace ledge::wire {

class Reader {
public:
    explicit Reader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    bool ok() const { return error_ == Rule::none; }
    Violation error() const { return {error_}; }
    bool at_end() const { return at_ == end_; }
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    /// Returns the unread bytes without moving the cursor.
    Bytes unread() const { return {at_, left()}; }

    void fail(Rule rule) {
        // Later failures are consequences of the first one, so they must not replace it.
        if (ok()) error_ = rule;
        at_ = end_;
    }
    void require(bool claim, Rule otherwise) {
        if (!claim) [[unlikely]]
            fail(otherwise);
    }
    /// Requires that the packet ends here. Bytes that belong to no field make the packet malformed.
    void require_end() { require(at_end(), Rule::trailing_bytes); }

    std::uint8_t u8() { return has(1) ? *at_++ : std::uint8_t{0}; }
    std::uint16_t u16() {
        if (!has(2)) return 0;
        const auto value = static_cast<std::uint16_t>(at_[0] << 8U | at_[1]);
        at_ += 2;
        return value;
    }
    std::uint32_t u32() {
        if (!has(4)) return 0;
        // Big endian, as all integers of MQTT (5.0 section 1.5). Without the cast, the shift of an int could
        // overflow.
        const std::uint32_t value = static_cast<std::uint32_t>(at_[0]) << 24U |
                                    static_cast<std::uint32_t>(at_[1]) << 16U |
                                    static_cast<std::uint32_t>(at_[2]) << 8U | static_cast<std::uint32_t>(at_[3]);
        at_ += 4;
        return value;
    }

    /// Reads a variable byte integer: at most 4 bytes, and no more bytes than necessary [MQTT-1.5.5-1].
    std::uint32_t variable() {
        // Nearly all lengths and identifiers are below 128, so this path is inline and the loop is not.
        if (at_ != end_ && *at_ < 0x80) [[likely]]
            return *at_++;
        return long_variable();
    }

    Bytes bytes(std::size_t count) {
        if (!has(count)) return {};
        const Bytes read(at_, count);
        at_ += count;
        return read;
    }
    /// Reads a two-byte length and as many bytes as this length says (5.0 section 1.5.6).
    Bytes prefixed() { return bytes(u16()); }
    /// Reads and validates a UTF-8 encoded string (5.0 section 1.5.4).
    std::string_view text() {
        const std::string_view text = as_text(prefixed());
        require(is_valid_utf8(text), Rule::not_utf8);
        return text;
    }
    /// Reads all remaining bytes.
    Bytes rest() { return bytes(left()); }

    /// Reads a packet identifier. The value 0 is malformed [MQTT-2.2.1-3].
    std::uint16_t packet_id() {
        const std::uint16_t id = u16();
        require(id != 0, Rule::packet_id_zero);
        return id;
    }

private:
    /// True if `count` bytes are left. Otherwise the reader fails.
    bool has(std::size_t count) {
        if (left() >= count) [[likely]]
            return true;
        fail(Rule::cut_short);
        return false;
    }

    std::uint32_t long_variable() {
        std::uint32_t value = 0;
        // Seven bits per byte, the lowest first. After four bytes, the loop ends and the integer is malformed.
        for (unsigned shift = 0; shift < 28; shift += 7) {
            const std::uint8_t byte = u8();
            value |= (byte & 0x7FU) << shift;
            if (byte >= 0x80) continue;
            // A last byte of 0 adds nothing to the value, so the encoding has a needless byte.
            require(byte != 0 || shift == 0, Rule::length_encoding);
            return value;
        }
        fail(Rule::length_encoding);
        return 0;
    }

    const Byte* at_;
    const Byte* end_;
    Rule error_ = Rule::none;
};

}  // namespace ledge::wire
