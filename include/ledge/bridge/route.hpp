// Route: which messages a bridge carries, in which direction, and under which topic names. Plain values and functions
// without state.
//
//     local topic   = local_prefix  + common part
//     remote topic  = remote_prefix + common part       the common part matches `filter`
//
// The mapping is one to one between the topics that match local_filter() and those that match remote_filter(), with one
// exception: if one prefix is empty and the common part is empty, the other side has no topic name, so the message
// cannot be carried (for example local_prefix "plant/", filter "#", remote_prefix "", and the local topic "plant").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/wire/types.hpp"

namespace ledge::bridge {

enum class Direction : std::uint8_t {
    out,   // from the local broker to the upstream
    in,    // from the upstream to the local broker
    both,  // both, with the same topics
};

enum class RetainRule : std::uint8_t {
    keep,   // the RETAIN flag of a message is carried along
    clear,  // the message arrives without RETAIN
};

struct Route {
    Direction direction = Direction::out;
    std::string filter;                        // the common part; may be empty if both prefixes are whole topics
    std::string local_prefix;                  // "" = none. Usually ends in '/', but may be any beginning of a topic.
    std::string remote_prefix;                 // the same for the topics of the upstream
    wire::QoS qos = wire::QoS::at_least_once;  // the largest QoS of a carried message; a larger one is lowered
    RetainRule retain = RetainRule::keep;

    bool goes_out() const { return direction != Direction::in; }
    bool comes_in() const { return direction != Direction::out; }
    /// The filter for local topics, which an outgoing route subscribes to at the local broker.
    std::string local_filter() const { return local_prefix + filter; }
    /// The filter for topics of the upstream, which an incoming route subscribes to there.
    std::string remote_filter() const { return remote_prefix + filter; }
};

/// One side of a route: the prefix and the whole filter of its topics.
struct RouteSide {
    std::string_view prefix;
    std::string_view filter;
};

/// Translates a topic of the side `from` into a topic of the side `to`, which is written to `out`. False = the route
/// does not carry this topic, or the result would be no topic name (empty, too long, too many levels).
bool map_topic(std::string_view topic, const RouteSide& from, const RouteSide& to, std::string& out);

/// Returns the topic of the upstream for a local topic; nullopt = the route does not carry this topic. The result
/// matches remote_filter(). The route must be valid (complaint_about() returns nothing).
std::optional<std::string> remote_topic(const Route& route, std::string_view local_topic);

/// Returns the local topic for a topic of the upstream; nullopt = the route does not carry this topic. Filters that
/// start with a wildcard do not carry topics that start with '$', even if the upstream delivers them.
std::optional<std::string> local_topic(const Route& route, std::string_view remote_topic);

/// The same for filters: `remote_filter` must be covered by the route's remote_filter(). The result matches the local
/// names of exactly the topics that `remote_filter` matches. nullopt = none of these topics has a local name.
std::optional<std::string> local_filter_for(const Route& route, std::string_view remote_filter);

/// Returns a sentence that says what is wrong with the route, and how to mend it; nullopt = the route is valid.
std::optional<std::string> complaint_about(const Route& route);

/// Returns sentences for an operator that say what the route does, with an example.
std::string explain(const Route& route);

}  // namespace ledge::bridge
