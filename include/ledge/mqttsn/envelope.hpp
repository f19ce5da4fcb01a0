// The protection envelope of a packet: who has sent the packet, a counter that grows, and a tag that only the holders
// of the key can make. firmware-bridge/PROTOCOL.md section 3 has the format and what it protects from; the other end is
// firmware-bridge/client/src/fwb_seal.c. Stateless.
//
//     envelope := length:u8 FF 42 00 sender:u64 random:4*u8 counter:u32 packet tag:8*u8
//     tag      := the first 8 bytes of HMAC-SHA256(key, all bytes in front of the tag)
//     sender   := the first 8 bytes of SHA-256(client id); towards the device the same with all bits inverted
//
// The inverted bits tell the two directions apart, so a packet cannot be sent back to its sender. They also differ from
// device to device: where several devices share a key, none accepts what was meant for another one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/secret.hpp"

namespace ledge::mqttsn {

inline constexpr std::size_t envelope_overhead = 28;  // bytes that an envelope has more than its packet
inline constexpr std::size_t envelope_bytes_max = 255;

using SenderId = std::uint64_t;
/// The sender in the envelopes of the device with this client id.
SenderId sender_of(std::string_view client_id);
/// The sender in the gateway's envelopes for the device.
inline SenderId gateway_sender(SenderId device) { return ~device; }

struct Envelope {
    SenderId sender = 0;
    std::uint32_t counter = 0;
    Bytes packet{};  // the message inside, at least one byte
    Bytes whole{};   // all bytes, the tag at their end

    /// True = somebody who has the key made the envelope, and nobody has changed it. The time does not depend on the
    /// bytes of the tag.
    bool has_tag_of(const Secret& key) const;
};

/// True = the packet has the type of an envelope, which is reserved in MQTT-SN 1.2.
bool is_envelope(Bytes packet);
/// nullopt = the bytes are no envelope, or one whose length or scheme differs from the format above. The views are
/// valid as long as `packet`. The tag is not checked.
std::optional<Envelope> read_envelope(Bytes packet);

/// The packet in an envelope; empty = the packet is too large. The four random bytes follow from key and counter: they
/// differ for each counter, and nobody without the key can guess them.
std::vector<Byte> make_envelope(const Secret& key, SenderId sender, std::uint32_t counter, Bytes packet);

}  // namespace ledge::mqttsn
