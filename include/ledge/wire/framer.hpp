// Framer splits a byte stream into whole packets. The framer reads only the fixed header of a packet. A packet that is
// too large is refused before its body arrives. The framer stores only an unfinished packet, in at most twice the bytes
// that have arrived (or 32 bytes). A packet that lies completely in the input is returned as a view of the input, so
// usually no byte is copied. Each connection has one framer, on its thread. A framer has 24 bytes while no unfinished
// packet is stored.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// The flags of the fixed header that each packet type may have [MQTT-2.1.3-1]. The index is the packet type. Each
/// element is a set: bit (1 << flags) stands for one value of the four flags.
///   PUBLISH: no QoS 3 [MQTT-3.3.1-4], no DUP with QoS 0 [MQTT-3.3.1-2].
///   PUBREL, SUBSCRIBE, UNSUBSCRIBE: 0b0010, and also 0b1010, because MQTT 3.1 repeats these packets with DUP. Their
///   decode functions know the version, and refuse 0b1010 for 3.1.1 and 5.
inline constexpr std::array<std::uint16_t, 16> allowed_flags = {
    0, 1, 1, 0x3C3F, 1, 1, 0x0404, 1, 0x0404, 1, 0x0404, 1, 1, 1, 1, 1,
};
inline bool has_allowed_flags(Byte first) {
    const unsigned flags_of_type = allowed_flags[unsigned{first} >> 4U];
    return (flags_of_type >> (first & 0x0FU) & 1U) != 0;
}

class Framer {
public:
    enum class Status : std::uint8_t {
        frame,      // Next::frame is one whole packet
        need_more,  // the whole input is consumed; the framer may have stored an unfinished packet
        malformed,  // packet type 0, reserved flags, or a remaining length with too many or with needless bytes
        too_large,  // the fixed header announces more than max_packet_size bytes
    };
    struct Next {
        Status status;
        std::uint32_t size;  // with too_large: bytes of the whole packet, from its fixed header; otherwise 0
        // With `frame`: the packet. With too_large: the beginning of the packet. The view is valid until the next call
        // of next(), and only as long as the input lives.
        Bytes frame;
    };

    Framer() = default;
    ~Framer() { wipe_credentials(); }
    Framer(const Framer&) = delete;
    Framer& operator=(const Framer&) = delete;

    /// Returns the next packet of the stream, and removes its bytes from `input`. The caller repeats the call with the
    /// same `input` until the status is not `frame`. max_packet_size limits the whole packet, fixed header included
    /// (5.0 section 3.1.2.11.4). After `malformed` or `too_large`, next() must not be called again.
    Next next(Bytes& input, std::uint32_t max_packet_size) {
        // Fast path for the usual case: the input begins with a whole packet of less than 130 bytes.
        if (size_ == 0 && input.size() >= 2) [[likely]] {
            const std::size_t total = std::size_t{2} + input[1];
            if (input[1] < 0x80 && total <= input.size() && total <= max_packet_size && has_allowed_flags(input[0]))
                [[likely]] {
                const Bytes frame = input.first(total);
                input = input.subspan(total);
                return {Status::frame, 0, frame};
            }
        }
        return next_of_any_kind(input, max_packet_size);
    }

    /// Returns how many bytes of an unfinished packet are stored.
    std::size_t pending() const { return is_delivered_ ? 0 : size_; }
    /// Returns the bytes of memory that the stored packet uses: at most max(32, 2 * the bytes that have arrived). Above
    /// 32 bytes, the memory is also at most the size of the packet.
    std::size_t memory() const { return capacity_; }
    /// Drops the unfinished packet and frees its memory. Must not be called while a returned frame is in use.
    void forget() { release(); }

private:
    Next next_of_any_kind(Bytes& input, std::uint32_t max_packet_size);
    Next next_in_input(Bytes& input, std::uint32_t max_packet_size);
    Next continue_kept(Bytes& input, std::uint32_t max_packet_size);
    void keep(Bytes bytes, std::size_t total);
    void release();
    void wipe_credentials();

    std::unique_ptr<Byte[]> kept_;
    std::uint32_t size_ = 0;  // bytes in kept_
    std::uint32_t capacity_ = 0;
    bool is_delivered_ = false;  // next() has returned kept_ as a frame, so the next call releases kept_
};

}  // namespace ledge::wire
