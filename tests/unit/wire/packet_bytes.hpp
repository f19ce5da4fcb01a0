// Builds packets byte by byte, so that tests can say what stands on the wire, wrong bytes included.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/wire/packets.hpp"

namespace ledge::wire {

inline std::ostream& operator<<(std::ostream& out, ReasonCode code) { return out << name_of(code); }
inline std::ostream& operator<<(std::ostream& out, PacketType type) { return out << name_of(type); }

using ByteVector = std::vector<Byte>;

/// Bytes in the order they are appended.
class Raw {
public:
    Raw() = default;
    Raw(std::initializer_list<Byte> bytes) : bytes_(bytes) {}
    Raw& u8(unsigned value) {
        bytes_.push_back(static_cast<Byte>(value));
        return *this;
    }
    Raw& u16(unsigned value) { return u8(value >> 8U & 0xFFU).u8(value & 0xFFU); }
    Raw& u32(std::uint32_t value) { return u16(value >> 16U).u16(value & 0xFFFFU); }
    Raw& text(std::string_view text) { return u16(static_cast<unsigned>(text.size())).raw(as_bytes(text)); }
    Raw& raw(Bytes bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Raw& raw(const Raw& other) { return raw(Bytes(other.bytes_)); }
    /// `block` with its length in front.
    Raw& properties(const Raw& block) { return u8(static_cast<unsigned>(block.bytes_.size())).raw(block); }

    const ByteVector& bytes() const { return bytes_; }
    /// As the body of a packet whose first byte is `first`, with the right remaining length.
    ByteVector packet(unsigned first) const {
        Raw frame{static_cast<Byte>(first)};
        std::size_t rest = bytes_.size();
        for (; rest >= 0x80; rest >>= 7U) frame.u8(static_cast<unsigned>((rest & 0x7FU) | 0x80U));
        frame.u8(static_cast<unsigned>(rest));
        return frame.raw(*this).bytes();
    }

private:
    ByteVector bytes_;
};

/// Encodes into memory of exactly encoded_size() bytes and demands that all of it is used.
template <class Packet>
ByteVector encoded(const Packet& packet, Version version) {
    ByteVector bytes(encoded_size(packet, version));
    Writer out(bytes);
    encode(packet, version, out);
    REQUIRE(out.written() == bytes.size());
    return bytes;
}
inline ByteVector encoded(const Connect& packet) {
    ByteVector bytes(encoded_size(packet));
    Writer out(bytes);
    encode(packet, out);
    REQUIRE(out.written() == bytes.size());
    return bytes;
}

/// What decoding answered: success, or the reason code of the failure.
template <class T>
ReasonCode outcome(const Decoded<T>& decoded) {
    return decoded.ok() ? ReasonCode::success : decoded.error();
}

inline constexpr ReasonCode accepted = ReasonCode::success;
inline constexpr ReasonCode malformed = ReasonCode::malformed_packet;
inline constexpr ReasonCode protocol_error = ReasonCode::protocol_error;

inline constexpr Version v3_1 = Version::v3_1;
inline constexpr Version v3_1_1 = Version::v3_1_1;
inline constexpr Version v5 = Version::v5;
inline constexpr std::initializer_list<Version> all_versions = {v3_1, v3_1_1, v5};
inline constexpr std::initializer_list<Version> versions_3 = {v3_1, v3_1_1};

inline std::string text_of(Bytes bytes) { return std::string(as_text(bytes)); }
inline bool same_bytes(Bytes a, Bytes b) { return as_text(a) == as_text(b); }

}  // namespace ledge::wire
