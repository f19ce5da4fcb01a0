#include "ledge/mqttsn/link_framer.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::size_t crc_bytes = 2;

/// Decodes in place: the result is never longer than the code. nullopt = the last block is not complete.
std::optional<std::size_t> decode_cobs(std::span<Byte> bytes) {
    std::size_t out = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        // A block is its code byte, which counts itself, and code - 1 bytes; a zero stands behind each but the last.
        const std::size_t code = bytes[at];
        LEDGE_ASSERT(code != 0);  // 0x00 ends frames, so it is never inside
        if (at + code > bytes.size()) return std::nullopt;
        for (std::size_t i = 1; i < code; ++i) bytes[out++] = bytes[at + i];
        at += code;
        if (at < bytes.size()) bytes[out++] = 0;
    }
    return out;
}

}  // namespace

// Bit by bit: a line brings some 10,000 bytes in a second, and a table would be 512 bytes.
std::uint16_t crc16(Bytes bytes) {
    std::uint32_t crc = 0xFFFF;
    for (const Byte byte : bytes) {
        crc ^= std::uint32_t{byte} << 8U;
        for (int bit = 0; bit < 8; ++bit) crc = ((crc & 0x8000U) != 0 ? crc << 1U ^ 0x1021U : crc << 1U) & 0xFFFFU;
    }
    return static_cast<std::uint16_t>(crc);
}

std::size_t encode_frame(Bytes packet, std::span<Byte, link_frame_bytes_max> frame) {
    LEDGE_ASSERT(packet.size() >= link_packet_bytes_min && packet.size() <= link_packet_bytes_max);
    const std::uint16_t crc = crc16(packet);
    std::size_t code_at = 0;  // the code byte of the open block
    std::size_t size = 1;
    const auto put = [&](Byte byte) {
        if (byte != 0) {
            frame[size++] = byte;
            return;
        }
        frame[code_at] = static_cast<Byte>(size - code_at);
        code_at = size++;
    };
    for (const Byte byte : packet) put(byte);
    put(static_cast<Byte>(crc >> 8U));
    put(static_cast<Byte>(crc & 0xFFU));
    frame[code_at] = static_cast<Byte>(size - code_at);
    frame[size++] = 0;
    return size;
}

void LinkFramer::open() {
    state_ = State::opening;
    size_ = 0;
}

std::optional<Bytes> LinkFramer::next(Bytes& input) {
    while (!input.empty()) {
        const Byte byte = input.front();
        input = input.subspan(1);
        if (byte == 0) {
            if (auto packet = end_frame()) return packet;
        } else if (state_ == State::opening) {
            ++counters_.discarded;
        } else if (state_ == State::reading) {
            // The longest frame has one byte less in here, because its 0x00 is not collected.
            if (size_ == link_frame_bytes_max - 1)
                state_ = State::too_long;
            else
                bytes_[size_++] = byte;
        }
    }
    return std::nullopt;
}

std::optional<Bytes> LinkFramer::end_frame() {
    const State state = std::exchange(state_, State::reading);
    const std::size_t size = std::exchange(size_, 0);
    if (state == State::too_long) {
        ++counters_.too_long;
        return std::nullopt;
    }
    // An empty frame is the flush of a sender whose line was idle.
    if (state == State::opening || size == 0) return std::nullopt;
    const auto decoded = decode_cobs(std::span(bytes_).first(size));
    if (!decoded) {
        ++counters_.bad_cobs;
        return std::nullopt;
    }
    if (*decoded < link_packet_bytes_min + crc_bytes) {
        ++counters_.too_short;
        return std::nullopt;
    }
    const Bytes packet = Bytes(bytes_).first(*decoded - crc_bytes);
    const auto crc = static_cast<std::uint16_t>(bytes_[*decoded - 2] << 8U | bytes_[*decoded - 1]);
    if (crc != crc16(packet)) {
        ++counters_.bad_crc;
        return std::nullopt;
    }
    ++counters_.frames;
    return packet;
}

}  // namespace ledge::mqttsn
