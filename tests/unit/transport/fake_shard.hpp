// A shard that does what the test says: transport is tested against the core's door, not against the core. Defines the
// members of broker::Shard itself, so that this binary links no other; its connections and outboxes are the real ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ledge/broker/shard.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_counters.hpp"

namespace ledge::broker {

/// The script of the one shard of a test, alive as long as the shard. Reset by the Rig.
struct FakeShard {
    using Connection = session::Connection;

    std::function<void(Connection&, Bytes)> on_bytes = [](Connection&, Bytes) {};
    std::function<void(Connection&)> on_drained = [](Connection&) {};
    session::SessionLimits limits;  // of connections from then on
    bool refuses = false;
    Instant deadline = never;

    std::vector<Connection*> open;  // in the order of arrival
    session::ListenerCounters counters;
    std::vector<Peer> peers;  // of all that ever came; the address points into addresses
    std::vector<std::string> addresses;
    std::vector<std::string> users;
    int refused = 0;
    int closed = 0;  // calls of on_closed
    int drained = 0;
    int timed = 0;  // calls of on_time
    int accept_pauses = 0;
    std::string farewell;  // what shut_down sends to everybody

    static FakeShard& current();
};

/// Appends `text` to what the connection is owed and tells the driver.
void say(session::Connection& connection, std::string_view text);
/// The same without a copy.
void say_by_reference(session::Connection& connection, const Blob& blob);

}  // namespace ledge::broker
