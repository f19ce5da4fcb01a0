// The services of a shard that connections and sessions may use, by name. A connection or session holds one pointer to
// its struct. Parts of the broker name theirs in a struct `Services`; src/broker/shard_parts.cpp fills them.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/journal/store_reader.hpp"
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
}  // namespace ledge::journal

namespace ledge::session {

class BufferPool;
class Connection;
class DirtyList;
class LoginQueue;
class MemoryBudget;
class MessageOwners;
class Session;
struct Counters;

/// Those who want to be called after the next commit. Each is in it once at most, and takes itself out when it ends.
template <class T>
using CommitWaiters = std::vector<T*>;

struct ConnectionServices {
    /// Buffers that a connection uses within one call, and that are kept for the next one.
    struct Scratch {
        wire::PropertyBuilder outbound;  // of the packet that is encoded
        wire::PropertyBuilder inbound;   // of the PUBLISH that is routed
        std::vector<Byte> source;        // of the PUBLISH that is routed, see Session::source
    };

    const Log& log;
    Rng& rng;
    TimerWheel& timers;
    MemoryBudget& memory;
    BufferPool& buffers;
    Counters& counters;
    const auth::Policy& policy;
    auth::LoginGuard& guard;
    LoginQueue& logins;
    journal::Journal& journal;
    DirtyList& dirty;                    // connections with something for the driver
    CommitWaiters<Connection>& waiting;  // connections with acknowledgements or output that wait for a commit
    const std::string& response_information_prefix;
    Scratch& scratch;
};

struct SessionServices {
    /// Buffers that a session uses within one call, and that are kept for the next one.
    struct Scratch {
        wire::PropertyBuilder ids;                    // subscription identifiers of a record
        std::vector<journal::StoredDelivery> loaded;  // rows of the store
    };

    const Log& log;
    Counters& counters;
    MemoryBudget& memory;
    journal::Journal& journal;
    journal::MessageReferences& references;
    MessageOwners& message_owners;
    const journal::StoreReader& store;  // unset when there is no store
    CommitWaiters<Session>& waiting;    // sessions with deliveries that wait for a commit
    Scratch& scratch;
};

}  // namespace ledge::session
