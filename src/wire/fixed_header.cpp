// Parses the fixed header, and opens packets of any size.
#include "fixed_header.hpp"

namespace ledge::wire {

FixedHeader parse_fixed_header(Bytes bytes) {
    using State = FixedHeader::State;
    LEDGE_ASSERT(!bytes.empty());
    constexpr std::uint8_t size_max = 5;  // one byte for type and flags, four for the length
    if (!has_allowed_flags(bytes[0])) return {State::malformed, 0, 0};

    std::uint32_t remaining = 0;
    for (std::uint8_t at = 1; at < size_max; ++at) {
        if (at == bytes.size()) return {State::incomplete, 0, 0};
        const Byte byte = bytes[at];
        remaining |= (byte & 0x7FU) << (7U * (at - 1U));
        if (byte >= 0x80) continue;
        if (byte == 0 && at > 1) return {State::malformed, 0, 0};  // a needless byte [MQTT-1.5.5-1]
        const auto size = static_cast<std::uint8_t>(at + 1);
        return {State::complete, size, size + remaining};
    }
    return {State::malformed, 0, 0};  // the fourth byte announces a fifth one (5.0 section 1.5.5)
}

Opened open_long_packet(Bytes frame, PacketType type) {
    Opened failed{Reader(Bytes()), 0};
    failed.in.fail(Rule::fixed_header);
    if (frame.empty() || frame[0] >> 4U != static_cast<unsigned>(type)) return failed;
    const FixedHeader header = parse_fixed_header(frame);
    if (header.state != FixedHeader::State::complete || header.total != frame.size()) return failed;
    return {Reader(frame.subspan(header.size)), frame[0] & 0x0FU};
}

}  // namespace ledge::wire
