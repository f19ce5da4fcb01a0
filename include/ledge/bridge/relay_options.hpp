// The options of a relay: plain values, filled by the owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/route_set.hpp"
#include "ledge/client/options.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::bridge {

class EchoWindow;

/// Which messages get the user properties of marks.hpp (MQTT 5). Messages that have them already always get theirs
/// counted on.
enum class MarkRule : std::uint8_t {
    automatic,  // all messages of routes with Direction::both, where rings come from, and some of one-way routes
    never,
    always,
};

struct RelayOptions {
    std::vector<Route> routes;  // all valid

    // A bridge may have a second relay, with a connection of its own, for messages that must not wait behind the
    // others: its priority lane. Both have all routes.
    /// Only these topics of the local broker are carried; empty = all that the routes carry.
    std::vector<std::string> local_filters;
    /// Nothing is subscribed to at the local broker: the relay carries what waits in the session there, and no more.
    bool only_empties = false;
    bool carries_incoming = true;  // false for the priority lane: it subscribes to nothing at the upstream
    /// What the priority lane has sent by routes with Direction::both. The upstream sends it to the other relay as
    /// well, which is another client there. The lane writes, the other relay reads. Outlives both; nullptr = there is
    /// no lane.
    EchoWindow* lane_echoes = nullptr;

    // Towards the upstream
    std::string client_id;  // fixed and not empty: the upstream's session belongs to it
    std::optional<std::string> user_name;
    std::optional<std::string> password;
    std::optional<client::WillOptions> will;
    std::uint16_t keep_alive_s = 60;
    std::uint32_t session_expiry_s = 604'800;      // MQTT 5; 7 days
    std::uint32_t packet_bytes_max = 1024 * 1024;  // of one packet, in both directions
    std::uint16_t topic_alias_maximum_out = 16;    // aliases to use towards the upstream; they save bytes
    Duration connack_timeout = 30s;
    Duration suback_timeout = 60s;  // for one batch of filters; slow brokers need seconds for it
    /// A message to be sent after each connect, QoS 0, for example "1" with RETAIN on a state topic. Some brokers
    /// publish no will when a client id is taken over, so the state is told again each time.
    std::optional<client::WillOptions> online_message;

    // Towards the local broker, whose Receive Maximum should not be below what the upstream may have in flight
    std::string inner_client_id;
    std::uint16_t inflight_max = 1000;  // unacknowledged messages in each direction; a smaller Receive Maximum of the
                                        // upstream counts instead

    // Messages
    /// Characters of outgoing topics that are replaced, for example {'.', '_'}; one way.
    std::vector<std::pair<char, char>> character_map;
    MarkRule marks = MarkRule::automatic;
    std::string own_id;           // of this gateway, for marks
    std::uint32_t hops_max = 16;  // a message that has passed more bridges is taken for a loop
    int poison_attempts = 3;      // closes of the upstream after which a message is set aside
    /// Messages that cannot be sent are published here, at the local broker, as "<this>/<their topic>". "" = they are
    /// dropped, with an event.
    std::string dead_letter_topic;
    /// Ask the local broker for its retained messages after every connect, not only when the upstream has no session.
    bool republishes_retained = false;
    /// Ask for QoS 0 when the upstream refuses a filter. NATS refuses the 64th filter of QoS 1.
    bool falls_back_to_qos0 = false;
};

}  // namespace ledge::bridge
