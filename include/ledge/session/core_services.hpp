// CoreServices: all services without I/O that one shard owns. Only the shard and the rigs of tests see this struct;
// every other part gets the services that it may use in its constructor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

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
#include "ledge/session/dirty_list.hpp"
#include "ledge/session/ending_log.hpp"
#include "ledge/session/login_queue.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/message_owners.hpp"
#include "ledge/session/outbox.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/tracer.hpp"

namespace ledge::session {

struct CoreServices {
    /// `reader` = nullptr: there is no store. The store behind it must outlive the services.
    CoreServices(const Log& log_, const journal::JournalOptions& journal_options, std::uint64_t seed, Instant now,
                 std::uint64_t memory_budget_bytes = 0, journal::StoreReader* reader = nullptr)
        : latest(now),
          log(log_),
          rng(seed),
          timers(now),
          memory(memory_budget_bytes),
          buffers(memory.account()),
          guard(seed),
          journal(journal_options),
          store(reader == nullptr ? no_store : *reader) {}
    CoreServices(const CoreServices&) = delete;
    CoreServices& operator=(const CoreServices&) = delete;

    Instant latest;  // start of the present turn
    const Log& log;
    Rng rng;
    TimerWheel timers;
    MemoryBudget memory;  // outlives the members below, because it counts their blobs and buffers
    Accounts accounts;    // of the sessions' owners
    BufferPool buffers;
    Counters counters;
    Tracer tracer{counters};
    std::string response_information_prefix;
    // The policy in force, never nullptr; rights keep their policy alive. Whoever replaces the policy of a shard with
    // sessions also raises the version, by which each session notices that its rights belong to an older policy.
    std::shared_ptr<const auth::Policy> policy = std::make_shared<auth::Policy>();
    std::uint64_t policy_version = 1;
    auth::LoginGuard guard;
    LoginQueue logins;
    journal::Journal journal;
    AckBarriers barriers;
    journal::MessageReferences references;   // number of queue rows per stored message
    MessageOwners message_owners{accounts};  // publishers of the stored messages
    journal::NoStoreReader no_store;
    journal::StoreReader& store;  // no_store when there is no store
    DirtyList dirty;
    EndingLog endings{latest};  // the last refusals and disconnects
    CommitWaiters<Connection> waiting_connections;
    CommitWaiters<Session> waiting_sessions;
    ConnectionServices::Scratch connection_scratch;
    SessionServices::Scratch session_scratch;

    const ConnectionServices for_connections{log,
                                             rng,
                                             timers,
                                             memory,
                                             buffers,
                                             counters,
                                             tracer,
                                             policy,
                                             guard,
                                             logins,
                                             journal,
                                             dirty,
                                             waiting_connections,
                                             endings,
                                             response_information_prefix,
                                             connection_scratch};
    const SessionServices for_sessions{log,     counters,       tracer,           memory,
                                       journal, references,     message_owners,   store,
                                       policy,  policy_version, waiting_sessions, session_scratch};
};

}  // namespace ledge::session
