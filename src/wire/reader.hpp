// Reader: a bounds-checked cursor over the bytes of one packet. The first failure sticks: it moves the cursor to the
// end, every later read yields nothing, and error() tells what went wrong first. So a decoder reads its fields in a
// straight line and asks once. Private to wire.
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
    /// The unread bytes; reads nothing.
    Bytes unread() const { return {at_, left()}; }

    void fail(Rule rule) {
        if (ok()) error_ = rule;
        at_ = end_;
    }
    void require(bool claim, Rule otherwise) {
        if (!claim) [[unlikely]]
            fail(otherwise);
    }
    /// The packet must end here: bytes that no field accounts for are malformed.
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
        const std::uint32_t value = static_cast<std::uint32_t>(at_[0]) << 24U |
                                    static_cast<std::uint32_t>(at_[1]) << 16U |
                                    static_cast<std::uint32_t>(at_[2]) << 8U | static_cast<std::uint32_t>(at_[3]);
        at_ += 4;
        return value;
    }

    /// Variable byte integer: at most 4 bytes, and no more of them than needed [MQTT-1.5.5-1].
    std::uint32_t variable() {
        if (at_ != end_ && *at_ < 0x80) [[likely]]
            return *at_++;
        return long_variable();
    }

    Bytes bytes(std::size_t count) {
        if (!has(count)) return {};
        const Bytes taken(at_, count);
        at_ += count;
        return taken;
    }
    /// Two-byte length, then that many bytes (5.0 section 1.5.6).
    Bytes prefixed() { return bytes(u16()); }
    /// UTF-8 encoded string (5.0 section 1.5.4), validated.
    std::string_view text() {
        const std::string_view text = as_text(prefixed());
        require(is_valid_utf8(text), Rule::not_utf8);
        return text;
    }
    Bytes rest() { return bytes(left()); }

    /// A packet identifier; 0 is malformed [MQTT-2.2.1-3].
    std::uint16_t packet_id() {
        const std::uint16_t id = u16();
        require(id != 0, Rule::packet_id_zero);
        return id;
    }

private:
    bool has(std::size_t count) {
        if (left() >= count) [[likely]]
            return true;
        fail(Rule::cut_short);
        return false;
    }

    std::uint32_t long_variable() {
        std::uint32_t value = 0;
        for (unsigned shift = 0; shift < 28; shift += 7) {
            const std::uint8_t byte = u8();
            value |= (byte & 0x7FU) << shift;
            if (byte >= 0x80) continue;
            require(byte != 0 || shift == 0, Rule::length_encoding);  // a last byte of 0 adds nothing: overlong
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
