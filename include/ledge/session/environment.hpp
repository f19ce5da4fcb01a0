// What every connection and session of one shard shares: services without I/O, handed down, never global.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/base/timer_wheel.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/message_references.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/message_owners.hpp"
#include "ledge/session/outbox.hpp"
#include "ledge/wire/properties.hpp"

namespace ledge::session {

class Connection;
class Session;

/// The core's side of a listener.
struct ListenerOptions {
    std::string name;
    bool allow_anonymous = false;
    std::uint32_t connections_max = 10'000;  // connected clients
    SessionLimits limits;
    std::uint32_t arrivals_max = 256;  // sockets beyond connections_max, of peers that have not sent a valid CONNECT
    bool is_local = false;             // a Unix socket: it needs no place among connections_total_max
};

/// A timer of the shard's wheel, and whom it wakes.
struct CoreTimer : Timer {
    enum class Wakes : std::uint8_t { connection, session_expiry, will_delay, sys_topics, retained_sweep };
    CoreTimer(Wakes what, void* whose) : wakes(what), owner(whose) {}
    Wakes wakes;
    void* owner;
};

struct Environment {
    Environment(const Log& log_, const journal::JournalOptions& journal_options, std::uint64_t seed, Instant now,
                std::uint64_t memory_budget_bytes = 0)
        : log(log_),
          rng(seed),
          timers(now),
          memory(memory_budget_bytes),
          buffers(memory.account()),
          guard(seed),
          journal(journal_options) {}

    const Log& log;
    Rng rng;
    TimerWheel timers;
    MemoryBudget memory;  // outlives what is below, whose blobs it counts
    Accounts accounts;    // of the sessions' owners
    BufferPool buffers;
    Counters counters;
    wire::PropertyBuilder properties;          // scratch for packets being encoded
    wire::PropertyBuilder inbound_properties;  // scratch for the PUBLISH being routed
    std::vector<Byte> inbound_source;          // the same
    wire::PropertyBuilder inbound_ids;         // scratch for subscription identifiers of a record
    std::string response_information_prefix;
    auth::Policy policy;  // sessions borrow its rules: whoever replaces it tells them
    auth::LoginGuard guard;
    LoginQueue logins;
    journal::Journal journal;
    AckBarriers barriers;
    journal::MessageReferences references;         // queue rows per stored message
    MessageOwners message_owners{accounts};        // publishers of those messages
    journal::StoreReader store;                    // unset when there is no store
    std::vector<journal::StoredDelivery> loaded;   // scratch for reading the store
    std::vector<Session*> waiting_sessions;        // have deliveries that wait for a commit
    std::vector<Connection*> waiting_connections;  // have acknowledgements or output that wait for a commit

    Connection* dirty_head = nullptr;  // connections with something for the driver, oldest first
    Connection* dirty_tail = nullptr;
};

}  // namespace ledge::session
