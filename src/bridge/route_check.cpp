// Loops and overlaps between the routes of all bridges.
//
// A loop, drawn with sets of topics:
//
//     local topics  ──outgoing route──►  remote topics
//                                             │  the part that an incoming route subscribes to (intersection)
//     local topics  ◄──incoming route─────────┘
//          │  the part that any outgoing route to the same broker subscribes to
//          └──outgoing route──►  and so on
#include "ledge/bridge/route_check.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/quote.hpp"
#include "ledge/bridge/filter_algebra.hpp"

namespace ledge::bridge {
namespace {

/// A route with its place in the configuration.
struct Place {
    const BridgeRoutes* bridge;
    std::size_t index;

    const Route& route() const { return bridge->routes[index]; }
    bool operator==(const Place& other) const { return bridge == other.bridge && index == other.index; }
};

/// The name of a route for people: "route 2", or "route 2 of bridge backup" as seen from another bridge.
std::string name_of(const Place& place, const Place& seen_from) {
    std::string name = "route " + std::to_string(place.index + 1);
    return place.bridge == seen_from.bridge ? name : name + " of bridge " + place.bridge->name;
}

bool shares_broker(const BridgeRoutes& a, const BridgeRoutes& b) {
    if (&a == &b) return true;
    return std::any_of(a.brokers.begin(), a.brokers.end(), [&](const std::string& broker) {
        return std::find(b.brokers.begin(), b.brokers.end(), broker) != b.brokers.end();
    });
}

class Checker {
public:
    explicit Checker(std::span<const BridgeRoutes> bridges) {
        for (const BridgeRoutes& bridge : bridges) add(bridge);
    }

    std::vector<Complaint> run() {
        for (const Place& place : places_) {
            if (place.route().goes_out()) check_returns(place);
            check_neighbours(place);
        }
        const auto is_before = [](const Complaint& a, const Complaint& b) {
            return std::pair(a.bridge, a.route) < std::pair(b.bridge, b.route);
        };
        std::stable_sort(complaints_.begin(), complaints_.end(), is_before);
        return std::move(complaints_);
    }

private:
    void add(const BridgeRoutes& bridge) {
        std::vector<Place> places;
        bool is_valid = true;
        for (std::size_t i = 0; i < bridge.routes.size(); ++i) {
            places.push_back({&bridge, i});
            const auto wrong = complaint_about(bridge.routes[i]);
            if (wrong) complain(Complaint::Severity::error, places.back(), *wrong);
            is_valid = is_valid && !wrong;
        }
        if (is_valid) places_.insert(places_.end(), places.begin(), places.end());
    }

    void complain(Complaint::Severity severity, const Place& place, std::string text) {
        complaints_.push_back({severity, place.bridge->name, place.index, std::move(text)});
    }

    /// Follows the messages of an outgoing route: do they come back, and do they then leave again?
    void check_returns(const Place& out) {
        for (const Place& in : places_) {
            // The relay suppresses what returns by the route that sent it.
            if (in == out || !in.route().comes_in() || !shares_broker(*out.bridge, *in.bridge)) continue;
            const auto remote = intersection(out.route().remote_filter(), in.route().remote_filter());
            if (!remote) continue;
            const auto back = local_filter_for(in.route(), *remote);
            if (back) check_return(out, in, *remote, *back);
        }
    }

    void check_return(const Place& out, const Place& in, const std::string& remote, const std::string& back) {
        const std::string facts = "Messages of this route reach the upstream on " + quoted(remote) +
                                  " and come back by " + name_of(in, out) + " on " + quoted(back);
        const auto again = std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
            return place.route().goes_out() && shares_broker(*place.bridge, *in.bridge) &&
                   intersects(place.route().local_filter(), back);
        });
        if (again == places_.end()) {
            complain(Complaint::Severity::warning, out,
                     facts + ". They do not leave again, but the local broker has each of them twice.");
            return;
        }
        const std::string by = *again == out ? "by this route" : "by " + name_of(*again, out);
        const bool is_same_topic = out.bridge == in.bridge && out.route().local_prefix == in.route().local_prefix &&
                                   out.route().remote_prefix == in.route().remote_prefix;
        complain(Complaint::Severity::error, out,
                 facts + "; from there they leave again " + by + ", without end. " +
                     (is_same_topic ? "Use one route with direction = \"both\" for topics that both sides publish."
                                    : "Give the two routes prefixes or filters without a common topic."));
    }

    /// Overlaps within one bridge.
    void check_neighbours(const Place& second) {
        for (std::size_t i = 0; i < second.index; ++i) {
            const Place first{second.bridge, i};
            const bool is_out = first.route().goes_out() && second.route().goes_out();
            const bool is_in = first.route().comes_in() && second.route().comes_in();
            if (is_out) check_overlap(first, second, first.route().local_filter(), second.route().local_filter());
            if (is_in && !is_out)
                check_overlap(first, second, first.route().remote_filter(), second.route().remote_filter());
        }
        check_order(second);
    }

    /// Brokers keep the order of messages of one QoS only, and some upstreams (RabbitMQ, NATS, aedes) do no more.
    void check_order(const Place& second) {
        const auto& routes = second.bridge->routes;
        const auto differs = [&](const Route& first) {
            return first.goes_out() && second.route().goes_out() && first.qos != second.route().qos;
        };
        const auto end = routes.begin() + static_cast<std::ptrdiff_t>(second.index);
        const auto first = std::find_if(routes.begin(), end, differs);
        if (first == end) return;
        complain(Complaint::Severity::warning, second,
                 "This route and route " + std::to_string(first - routes.begin() + 1) +
                     " have different qos. Messages of different QoS may overtake each other.");
    }

    void check_overlap(const Place& first, const Place& second, const std::string& a, const std::string& b) {
        const auto common = intersection(a, b);
        if (!common) return;
        complain(Complaint::Severity::warning, second,
                 "This route and " + name_of(first, second) + " both match " + quoted(*common) +
                     ". The route that comes first in the configuration carries these messages.");
    }

    std::vector<Place> places_;  // of bridges whose routes are all valid
    std::vector<Complaint> complaints_;
};

}  // namespace

std::vector<Complaint> check_routes(std::span<const BridgeRoutes> bridges) { return Checker(bridges).run(); }

}  // namespace ledge::bridge
