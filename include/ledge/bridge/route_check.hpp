// Checks the routes of all bridges before any of them connects: invalid routes, loops, and overlaps whose effect an
// operator may not expect. Stateless.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ledge/bridge/route.hpp"

namespace ledge::bridge {

/// The part of a bridge's configuration that the check needs.
struct BridgeRoutes {
    std::string name;
    std::vector<std::string> brokers;  // "host:port" of each url, in lower case. Equal texts mean the same broker.
    std::vector<Route> routes;
};

struct Complaint {
    enum class Severity : std::uint8_t {
        error,    // the configuration must be refused
        warning,  // the bridge works, but perhaps not as its operator expects
    };
    Severity severity = Severity::error;
    std::string bridge;
    std::size_t route = 0;  // index in BridgeRoutes::routes
    std::string text;       // a sentence that names the other route, if there is one, and the way to mend it
};

/// Returns the complaints about all bridges, in the order of the bridges and routes. A bridge with an invalid route is
/// not compared with others. Errors are:
///   - a route that is not valid;
///   - a loop: a message that leaves by one route, comes back by another route from the same broker, and then leaves
///     again. One route with direction "both" is no loop: the relay suppresses the echo of its own messages.
/// Warnings are:
///   - a message that comes back by another route and stays;
///   - two outgoing or two incoming routes of one bridge that carry the same topic: only the first one carries it;
///   - outgoing routes of one bridge with different QoS: messages of different QoS may overtake each other.
std::vector<Complaint> check_routes(std::span<const BridgeRoutes> bridges);

}  // namespace ledge::bridge
