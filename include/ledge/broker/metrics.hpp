// What a shard tells about itself: the counters of its sessions and the gauges of its tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/broker/queue_findings.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_kinds.hpp"
#include "ledge/session/owner_figure.hpp"

namespace ledge::session {
enum class Pressure : std::uint8_t;
}  // namespace ledge::session

namespace ledge::broker {

struct Metrics {
    session::Counters counters;
    std::uint32_t connections = 0;       // sockets, connected or not yet
    std::size_t connections_paused = 0;  // not read for now: they send faster than they may
    std::uint32_t clients_connected = 0;
    std::uint32_t clients_connected_max = 0;
    std::size_t sessions = 0;  // connected and offline
    std::size_t subscriptions = 0;
    std::size_t shared_subscriptions = 0;  // of those
    std::size_t retained_messages = 0;     // the $SYS topics included
    std::uint64_t records_cancelled = 0;   // changes of the store that became unnecessary before they were written
    StoreFigures store;
    Duration store_waited{};  // since store.waiting_since
    bool is_store_failed = false;
    bool is_store_full = false;
    std::uint64_t retained_bytes = 0;     // topics, properties and payloads
    session::Pressure memory_pressure{};  // the default is Pressure::none
    std::uint64_t memory_used = 0;    // bytes: anonymous memory when last measured, and what the core holds more since
    std::uint64_t memory_budget = 0;  // bytes; 0: none
    session::MemoryByKind memory_by_kind{};  // their sum is memory_used
    QueueFindings queues;                    // of the last complete survey
    // The largest owners (users, or networks of anonymous clients) of each kind, largest first.
    std::vector<session::OwnerFigure> owners_by_written_bytes;  // handed to the store since the start
    std::vector<session::OwnerFigure> owners_by_stored_bytes;   // of their messages, in the store
    std::vector<session::OwnerFigure> owners_by_table_bytes;    // of their sessions and subscriptions, in memory
};

/// "none"; "ok"; "full": durable publications are refused; "slow": a commit does not end; "postponed": a commit failed
/// for want of room and is tried again, until then nothing becomes durable; "failed": nothing is acknowledged as
/// durable any more.
constexpr std::string_view store_state(const Metrics& metrics) {
    if (!metrics.store.is_used) return "none";
    if (metrics.is_store_failed) return "failed";
    if (metrics.store.is_postponed) return "postponed";
    if (metrics.store.waiting_since != never) return "slow";
    return metrics.is_store_full ? "full" : "ok";
}

}  // namespace ledge::broker
