// What a shard is built with. Plain values; daemon/wiring fills them from the configuration.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/ticket.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::broker {

/// How a member of a shared subscription group is picked (5.0 section 4.8.2 leaves it to the server).
enum class ShareStrategy : std::uint8_t { round_robin, random, sticky_publisher, least_inflight };

using session::ListenerOptions;

struct RetainedLimits {
    std::uint32_t messages_max = 100'000;
    std::uint64_t bytes_max = 64 * 1024 * 1024;
    std::uint64_t cache_bytes_max = 8 * 1024 * 1024;  // of what is loaded back from the store
};

/// What publications survive (README: durability levels). Without a store, nothing does.
struct DurabilityOptions {
    journal::Durability level = journal::Durability::durable;
    struct Override {
        std::string filter;
        journal::Durability level = journal::Durability::durable;
    };
    std::vector<Override> overrides;  // the first that matches decides
    journal::JournalOptions journal;
    double refuse_above_used = 0.85;  // fraction of the store's ceiling: beyond it only removals are taken
    double take_below_used = 0.83;    // until it is below this: the end of a shortage, and not each commit of it
};

using Listeners = std::deque<ListenerOptions>;  // one keeps its address when others come

struct ShardOptions {
    Listeners listeners;
    ShareStrategy share_strategy = ShareStrategy::round_robin;
    RetainedLimits retained;
    DurabilityOptions durability;
    std::uint32_t connections_total_max = 0xFFFF'FFFF;       // of all listeners that are not local
    std::uint32_t sessions_max = 100'000;                    // connected and offline
    bool has_other_users = false;                            // a listener proves names without the password file
    std::uint64_t memory_budget_bytes = 0;                   // of the whole process; 0: none
    Duration sys_interval = 10s;                             // 0: no $SYS topics
    std::string server_version = "LedgeMQ";                  // $SYS/broker/version
    std::string response_information_prefix = "responses/";  // told as Response Information: prefix + client id

    /// A listener's sessions refuse what does not fit into their queues, instead of dropping it.
    bool may_refuse() const {
        for (const ListenerOptions& listener : listeners)
            if (listener.limits.overflow == session::OverflowPolicy::refuse) return true;
        return false;
    }
};

}  // namespace ledge::broker
