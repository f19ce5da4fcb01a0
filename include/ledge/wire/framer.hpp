// Framer: cuts a byte stream into whole packets. Knows the fixed header only. Refuses a packet that is too large
// before its body arrives; keeps only the unfinished packet, and never more memory than twice the bytes that have
// arrived (or 32 bytes). Frames inside the input are views of the input: no copy in the usual case.
// One per connection, on its thread; 24 bytes while nothing is pending.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// Fixed-header flags each packet type may have, as a set: bit (1 << flags) at index type [MQTT-2.1.3-1].
///   PUBLISH: no QoS 3 [MQTT-3.3.1-4], no DUP with QoS 0 [MQTT-3.3.1-2].
///   PUBREL, SUBSCRIBE, UNSUBSCRIBE: 0b0010, and 0b1010 because MQTT 3.1 repeats them with DUP; their decode knows the
///   version and refuses the latter for 3.1.1 and 5.
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
        frame,      // `frame` holds one whole packet
        need_more,  // all input is consumed, an unfinished packet may be kept
        malformed,  // packet type 0, reserved fixed-header flags, or a remaining length that is too long or overlong
        too_large,  // fixed header announces more than max_packet_size
    };
    struct Next {
        Status status;
        std::uint32_t size;  // too_large: of the whole packet, as the fixed header announces it; else 0
        Bytes frame;  // valid until the next call of next() and as long as the input lives; too_large: its beginning
    };

    Framer() = default;
    ~Framer() { wipe_credentials(); }
    Framer(const Framer&) = delete;
    Framer& operator=(const Framer&) = delete;

    /// Call repeatedly with the same `input`, which shrinks, until the status is not `frame`. max_packet_size counts
    /// the whole packet, fixed header included (5.0 section 3.1.2.11.4). After malformed or too_large the framer must
    /// not be used again.
    Next next(Bytes& input, std::uint32_t max_packet_size) {
        // The usual case: a whole packet of less than 130 bytes lies in the input.
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

    /// Bytes of the unfinished packet.
    std::size_t pending() const { return is_delivered_ ? 0 : size_; }
    /// Bytes of memory owned for it: at most max(32, 2 * the bytes that have arrived), never more than the packet.
    std::size_t memory() const { return capacity_; }
    /// The unfinished packet will not be finished: gives its memory back. Not while a frame is looked at.
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
    bool is_delivered_ = false;  // kept_ was handed out as a frame: release it on the next call
};

}  // namespace ledge::wire
