// What a shard tells about itself: the counters of its sessions and the gauges of its tables.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ledge/session/account.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"

namespace ledge::broker {

/// What a write to the store is for: the account of flash wear is kept per class.
enum class WriteClass : std::uint8_t { sessions, queues, messages, retained };
inline constexpr std::size_t write_classes = 4;
inline constexpr std::array<const char*, write_classes> write_class_names{"sessions", "queues", "messages", "retained"};

/// What the store tells about itself, since the broker's start.
struct StoreFigures {
    bool is_used = false;  // false: there is none, all else is 0
    std::uint64_t commits = 0;
    std::array<std::uint64_t, write_classes> given{};  // bytes of keys and bodies handed over, by WriteClass
    std::uint64_t device_bytes = 0;                    // in pages written, the filesystem's own not counted
    std::uint64_t device_bytes_day = 0;                // of the last 24 hours, in steps of an hour
    double used_fraction = 0;                          // of the ceiling, or of the disk: what is nearer to its end
};

struct Metrics {
    session::Counters counters;
    std::uint32_t connections = 0;       // sockets, connected or not yet
    std::size_t connections_paused = 0;  // not read for now: they send faster than they may
    std::uint32_t clients_connected = 0;
    std::uint32_t clients_connected_max = 0;
    std::size_t sessions = 0;  // connected and offline
    std::size_t subscriptions = 0;
    std::size_t retained_messages = 0;    // the $SYS topics included
    std::uint64_t records_cancelled = 0;  // changes of the store that became unnecessary before they were written
    StoreFigures store;
    bool is_store_failed = false;
    bool is_store_full = false;
    std::uint64_t retained_bytes = 0;  // topics, properties and payloads
    session::Pressure memory_pressure = session::Pressure::none;
    std::uint64_t memory_used = 0;    // bytes: anonymous memory when last measured, and what the core holds more since
    std::uint64_t memory_budget = 0;  // bytes; 0: none
    // The largest owners (users, or networks of anonymous clients) of each kind, largest first.
    std::vector<session::OwnerFigure> owners_by_written_bytes;  // handed to the store since the start
    std::vector<session::OwnerFigure> owners_by_stored_bytes;   // of their messages, in the store
    std::vector<session::OwnerFigure> owners_by_table_bytes;    // of their sessions and subscriptions, in memory
};

/// "none", "ok", "full" (durable publications are refused) or "failed" (nothing is acknowledged as durable any more).
constexpr std::string_view store_state(const Metrics& metrics) {
    if (!metrics.store.is_used) return "none";
    if (metrics.is_store_failed) return "failed";
    return metrics.is_store_full ? "full" : "ok";
}

}  // namespace ledge::broker
