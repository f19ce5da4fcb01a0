// The services of a shard that connections and sessions may use. Each connection and each session holds one reference
// to its struct. The parts of the broker have a struct `Services` of their own, which src/broker/shard_parts.cpp fills.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/properties.hpp"

namespace ledge {
class Log;
class Rng;
class TimerWheel;
}  // namespace ledge

namespace ledge::auth {
class LoginGuard;
struct Policy;
}  // namespace ledge::auth

namespace ledge::journal {
class Journal;
class MessageReferences;
struct StoredDelivery;
class StoreReader;
}  // namespace ledge::journal

namespace ledge::session {

class BufferPool;
class Connection;
class DirtyList;
class EndingLog;
class LoginQueue;
class MemoryBudget;
class MessageOwners;
class Session;
class Tracer;
struct Counters;

/// The objects that want to be called after the next commit. An object is in the list at most once, and removes itself
/// when it is destroyed.
template <class T>
using CommitWaiters = std::vector<T*>;

struct ConnectionServices {
    /// Buffers that a connection uses within one call. They are kept for the next call, so that it needs no new memory.
    struct Scratch {
        wire::PropertyBuilder outbound;  // properties of the packet that is encoded
        wire::PropertyBuilder inbound;   // properties of the PUBLISH that is routed
        std::vector<Byte> source;        // publisher of the PUBLISH that is routed, see Session::source
    };

    const Log& log;
    Rng& rng;
    TimerWheel& timers;
    MemoryBudget& memory;
    BufferPool& buffers;
    Counters& counters;
    Tracer& tracer;
    const std::shared_ptr<const auth::Policy>& policy;  // the policy in force, never nullptr
    auth::LoginGuard& guard;
    LoginQueue& logins;
    journal::Journal& journal;
    DirtyList& dirty;                    // connections that have something for the driver
    CommitWaiters<Connection>& waiting;  // connections with acknowledgements or output that wait for a commit
    EndingLog& endings;                  // the last refusals and disconnects
    const std::string& response_information_prefix;
    Scratch& scratch;
};

struct SessionServices {
    /// Buffers that a session uses within one call. They are kept for the next call, so that it needs no new memory.
    struct Scratch {
        wire::PropertyBuilder ids;                    // subscription identifiers of a record
        std::vector<journal::StoredDelivery> loaded;  // rows of the store
    };

    const Log& log;
    Counters& counters;
    Tracer& tracer;
    MemoryBudget& memory;
    journal::Journal& journal;
    journal::MessageReferences& references;
    MessageOwners& message_owners;
    journal::StoreReader& store;                        // finds nothing when there is no store
    const std::shared_ptr<const auth::Policy>& policy;  // the policy in force, never nullptr
    const std::uint64_t& policy_version;                // the version of `policy`, see CoreServices
    CommitWaiters<Session>& waiting;                    // sessions with deliveries that wait for a commit
    Scratch& scratch;
};

}  // namespace ledge::session
