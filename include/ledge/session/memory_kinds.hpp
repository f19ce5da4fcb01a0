// MemoryKind: what the core holds memory for. The memory budget keeps a sum for each kind; metrics and the API show
// them under these names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ledge::session {

enum class MemoryKind : std::uint8_t {
    connections,    // fixed estimate for each connection, with its link
    input,          // packets that have not come completely, and logins that wait
    outboxes,       // buffers for bytes that clients have not read yet, lent and unused ones
    sessions,       // fixed estimate for each session, its client id and its will
    subscriptions,  // fixed estimate for each subscription, and its filter
    queues,         // places in the queues of sessions, without the messages
    messages,       // messages that wait, are in flight or are retained in memory; shared ones once
    elsewhere,      // measured, but none of the above: tables, TLS, the allocator's gaps, the program itself
};
inline constexpr std::size_t memory_kinds = 8;

constexpr std::string_view name_of(MemoryKind kind) {
    switch (kind) {
        case MemoryKind::connections: return "connections";
        case MemoryKind::input: return "input";
        case MemoryKind::outboxes: return "outboxes";
        case MemoryKind::sessions: return "sessions";
        case MemoryKind::subscriptions: return "subscriptions";
        case MemoryKind::queues: return "queues";
        case MemoryKind::messages: return "messages";
        case MemoryKind::elsewhere: break;
    }
    return "elsewhere";
}

/// Bytes by kind.
using MemoryByKind = std::array<std::uint64_t, memory_kinds>;

}  // namespace ledge::session
