// RouteSet: the routes of one bridge, prepared for carrying messages. Immutable; one owner, no locks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/bridge/route.hpp"

namespace ledge::bridge {

/// A topic filter with the QoS to ask for.
struct Subscription {
    std::string filter;
    wire::QoS qos = wire::QoS::at_most_once;
    friend bool operator==(const Subscription&, const Subscription&) = default;
};

/// What a broker delivers for a message that matches several subscriptions of one client.
enum class OverlapCopies : std::uint8_t {
    one,         // one copy, with the largest QoS
    per_filter,  // a copy for each filter, so the filters of a bridge must not overlap
};

class RouteSet {
public:
    RouteSet() = default;
    /// All routes must be valid (complaint_about() returns nothing).
    explicit RouteSet(std::vector<Route> routes);

    /// Finds the first outgoing route that carries the local topic, in the order of the configuration, and writes the
    /// topic of the upstream to `out`. nullptr = no route carries it.
    const Route* outgoing(std::string_view local_topic, std::string& out) const;
    /// The same for incoming routes: `out` receives the local topic.
    const Route* incoming(std::string_view remote_topic, std::string& out) const;
    /// Translates the response topic of an outgoing request, so that the answer comes back by an incoming route: `out`
    /// receives the name at the upstream. False = no incoming route brings answers for this topic.
    bool response_topic_out(std::string_view local_topic, std::string& out) const;
    /// The same for an incoming request, whose answer leaves by an outgoing route: `out` receives the local name.
    bool response_topic_in(std::string_view remote_topic, std::string& out) const;
    /// True if an outgoing route may have published to this topic of the upstream.
    bool may_have_sent(std::string_view remote_topic) const;

    /// The subscriptions at the local broker, for outgoing routes. Filters that others cover are left out. `within`:
    /// only topics that match one of these filters; empty = all topics.
    std::vector<Subscription> local_subscriptions(const std::vector<std::string>& within = {}) const;
    /// The subscriptions at the upstream, for incoming routes. With OverlapCopies::per_filter no topic matches two of
    /// them: overlapping filters are replaced by one filter that covers both, which may bring messages that no route
    /// carries.
    std::vector<Subscription> remote_subscriptions(OverlapCopies copies) const;

    /// The number of bytes by which the topic of an outgoing message can grow at most.
    std::size_t outgoing_growth_max() const;
    /// The largest QoS of an outgoing route; QoS 0 without one.
    wire::QoS outgoing_qos_max() const;
    bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        Route route;
        std::string local_filter;
        std::string remote_filter;

        RouteSide local() const { return {route.local_prefix, local_filter}; }
        RouteSide remote() const { return {route.remote_prefix, remote_filter}; }
    };
    std::vector<Entry> entries_;
};

}  // namespace ledge::bridge
