#include "ledge/bridge/poison_guard.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::bridge {

std::uint64_t fingerprint_of(std::string_view topic, Bytes payload) {
    // FNV-1a, with a byte between topic and payload that no UTF-8 text has.
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
    for (const char c : topic) mix(static_cast<std::uint8_t>(c));
    mix(0xFF);
    for (const Byte byte : payload) mix(byte);
    return hash;
}

std::uint64_t fingerprint_of(const wire::Publish& packet) {
    constexpr std::size_t beginning = 256;  // bytes
    const std::uint64_t hash =
        fingerprint_of(packet.topic, packet.payload.first(std::min(packet.payload.size(), beginning)));
    return hash ^ (std::uint64_t{packet.packet_id} << 48U) ^ packet.payload.size();
}

void PoisonGuard::on_close(std::uint64_t oldest, std::size_t unanswered) {
    LEDGE_ASSERT(unanswered > 0);
    // A close with several messages under way blames the oldest one for the first time only: the real cause may stand
    // behind it. The careful connections that follow decide.
    const bool is_exact = unanswered == 1;
    const bool is_same = closes_ > 0 && suspect_ == oldest;
    closes_ = is_same && is_exact ? closes_ + 1 : 1;
    suspect_ = oldest;
    careful_left_ = std::max(careful_left_, unanswered);
}

void PoisonGuard::on_answer(std::uint64_t fingerprint) {
    if (suspect_ == fingerprint) closes_ = 0;
    if (careful_left_ > 0) --careful_left_;
}

void PoisonGuard::on_set_aside() {
    closes_ = 0;
    careful_left_ = 0;
}

}  // namespace ledge::bridge
