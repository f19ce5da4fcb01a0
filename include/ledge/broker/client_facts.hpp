// ClientFacts: all that an operator may ask about one client. Plain values.
#pragma once

#include <vector>

#include "ledge/broker/session_facts.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/session/traffic.hpp"

namespace ledge::session {
class LinkHandle;
struct EndedConnection;
}  // namespace ledge::session

namespace ledge::broker {

/// What the messages of a session wait for.
enum class Waiting : std::uint8_t {
    nothing,          // no message waits
    client,           // the client is not connected
    commit,           // the store must have a message before it is sent
    receive_maximum,  // the client must acknowledge messages first
    socket,           // the client must read first
};

/// The views are valid until the next call that changes the shard.
struct ClientFacts : SessionFacts {
    struct Will {
        std::string_view topic;
        wire::QoS qos = wire::QoS::at_most_once;
        bool retain = false;
        std::uint32_t delay_s = 0;
    };
    struct Exchange {
        wire::PacketId packet_id = 0;
        journal::OutState state = journal::OutState::done;
    };
    static constexpr std::size_t exchanges_shown_max = 20;

    std::uint32_t session_expiry_s = 0;  // session::expiry_never = without an end
    session::QueueLosses losses;
    session::Traffic traffic;
    std::optional<Will> will;
    std::vector<Exchange> inflight_out;  // the oldest of them
    Waiting waits_for = Waiting::nothing;
    const session::EndedConnection* last_disconnect = nullptr;  // nullptr = not known any more
    // Of the connection; without meaning while the session is offline.
    std::uint32_t keep_alive_s = 0;
    bool is_clean_start = false;
    std::uint16_t receive_maximum = 0;
    std::uint32_t packet_size_max = 0;  // bytes
    std::uint16_t topic_alias_max = 0;
    std::uint32_t inflight_in = 0;        // QoS 2 messages of the client that await PUBREL
    session::LinkHandle* link = nullptr;  // for what the driver knows of the connection
};

}  // namespace ledge::broker
