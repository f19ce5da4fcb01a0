#include "ledge/mqttsn/envelope.hpp"

#include "ledge/auth/hmac.hpp"
#include "ledge/base/byte_reader.hpp"
#include "ledge/base/constant_time.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::mqttsn {

namespace {

constexpr Byte protection_type = 0xFF;
constexpr Byte protection_flags = 0x42;  // a tag of 4 times 16 bits, no cryptographic material, a counter of 32 bits
constexpr Byte hmac_sha256_scheme = 0x00;
constexpr std::size_t tag_bytes = 8;
constexpr std::size_t random_bytes = 4;
static_assert(envelope_overhead == 4 + sizeof(SenderId) + random_bytes + sizeof(std::uint32_t) + tag_bytes);

Bytes first_bytes_of(const auth::Digest256& digest, std::size_t size) { return Bytes(digest).first(size); }

}  // namespace

SenderId sender_of(std::string_view client_id) {
    const auth::Digest256 digest = auth::sha256(as_bytes(client_id));
    return ByteReader(digest).u64();
}

bool is_envelope(Bytes packet) { return packet.size() >= 2 && packet[0] != 0x01 && packet[1] == protection_type; }

std::optional<Envelope> read_envelope(Bytes packet) {
    if (packet.size() <= envelope_overhead || !is_envelope(packet)) return std::nullopt;
    ByteReader in(packet);
    const bool is_whole = in.u8() == packet.size();
    in.u8();  // the type
    const Byte flags = in.u8();
    const Byte scheme = in.u8();
    // Other sizes of the fields are possible in MQTT-SN 2.0. Shorter ones would be weaker.
    if (!is_whole || flags != protection_flags || scheme != hmac_sha256_scheme) return std::nullopt;
    Envelope envelope;
    envelope.sender = in.u64();
    in.bytes(random_bytes);
    envelope.counter = in.u32();
    envelope.packet = in.bytes(packet.size() - envelope_overhead);
    envelope.whole = packet;
    return envelope;
}

bool Envelope::has_tag_of(const Secret& key) const {
    const auth::Digest256 digest = auth::hmac_sha256(key.bytes(), whole.first(whole.size() - tag_bytes));
    return are_equal_in_constant_time(first_bytes_of(digest, tag_bytes), whole.last(tag_bytes));
}

std::vector<Byte> make_envelope(const Secret& key, SenderId sender, std::uint32_t counter, Bytes packet) {
    const std::size_t size = packet.size() + envelope_overhead;
    if (size > envelope_bytes_max) return {};
    std::vector<Byte> bytes(size);
    wire::Writer out(bytes);
    out.u8(static_cast<Byte>(size));
    out.u8(protection_type);
    out.u8(protection_flags);
    out.u8(hmac_sha256_scheme);
    out.u32(static_cast<std::uint32_t>(sender >> 32U));
    out.u32(static_cast<std::uint32_t>(sender));
    // Four bytes are shorter than any envelope, so this HMAC is never the tag of one.
    const Byte text[] = {static_cast<Byte>(counter >> 24U), static_cast<Byte>(counter >> 16U),
                         static_cast<Byte>(counter >> 8U), static_cast<Byte>(counter)};
    out.raw(first_bytes_of(auth::hmac_sha256(key.bytes(), text), random_bytes));
    out.u32(counter);
    out.raw(packet);
    out.raw(first_bytes_of(auth::hmac_sha256(key.bytes(), Bytes(bytes).first(size - tag_bytes)), tag_bytes));
    return bytes;
}

}  // namespace ledge::mqttsn
