// LinkFramer: the frames of MQTT-SN over a serial line, link format v1.
//
//     frame := COBS( packet crc:u16be ) 0x00        crc := CRC-16/CCITT-FALSE(packet)
//
// A packet has 2 to 250 bytes, so a frame never has a full COBS block of 254 bytes. Byte 0x00 stands only at the end of
// a frame, so after any damage the receiver is in step again with the next 0x00. One framer per line and direction; the
// owner feeds what the line brings. No I/O, no clock: an owner whose line was idle for 20 ms sends a leading 0x00
// itself, which flushes noise at the receiver.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "ledge/base/bytes.hpp"

namespace ledge::mqttsn {

inline constexpr std::size_t link_packet_bytes_min = 2;
inline constexpr std::size_t link_packet_bytes_max = 250;
/// Bytes of the largest frame: packet, CRC, one COBS code byte (250 + 2 < 254) and the end.
inline constexpr std::size_t link_frame_bytes_max = link_packet_bytes_max + 4;

/// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected, no final XOR. Of "123456789": 0x29B1.
std::uint16_t crc16(Bytes bytes);

/// Writes the frame of `packet` and returns its size, at most link_frame_bytes_max. Requires 2 to 250 bytes.
std::size_t encode_frame(Bytes packet, std::span<Byte, link_frame_bytes_max> frame);

class LinkFramer {
public:
    /// Each dropped frame is counted once, by its first fault.
    struct Counters {
        std::uint64_t frames = 0;     // packets handed over
        std::uint64_t too_long = 0;   // no end within link_frame_bytes_max bytes
        std::uint64_t too_short = 0;  // fewer bytes than the smallest packet with its CRC
        std::uint64_t bad_cobs = 0;   // the end comes in the middle of a COBS block
        std::uint64_t bad_crc = 0;    // the CRC is wrong
        std::uint64_t discarded = 0;  // bytes before the first 0x00 after open(): the rest of an unknown frame
        std::uint64_t dropped() const { return too_long + too_short + bad_cobs + bad_crc; }
    };

    /// The line was opened: bytes up to the first 0x00 are what remains of an earlier frame, and are discarded.
    void open();
    /// Reads at most one packet and shrinks `input`. nullopt = `input` is used up. The packet is valid until the next
    /// call.
    std::optional<Bytes> next(Bytes& input);
    const Counters& counters() const { return counters_; }

private:
    enum class State : std::uint8_t {
        opening,   // 0x00 awaited; bytes are discarded
        reading,   // bytes of a frame are collected
        too_long,  // the frame is longer than the longest one; its end is awaited
    };
    std::optional<Bytes> end_frame();

    State state_ = State::reading;
    std::array<Byte, link_frame_bytes_max> bytes_{};  // the frame; decoded in place
    std::size_t size_ = 0;
    Counters counters_;
};

}  // namespace ledge::mqttsn
