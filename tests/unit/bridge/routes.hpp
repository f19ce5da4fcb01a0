// Short ways to write routes in tests.
#pragma once

#include <string>
#include <utility>

#include "ledge/bridge/route.hpp"

namespace ledge::bridge {

inline Route route_of(Direction direction, std::string filter, std::string local = "", std::string remote = "",
                      wire::QoS qos = wire::QoS::at_least_once) {
    Route made;
    made.direction = direction;
    made.filter = std::move(filter);
    made.local_prefix = std::move(local);
    made.remote_prefix = std::move(remote);
    made.qos = qos;
    return made;
}

inline Route out_route(std::string filter, std::string local = "", std::string remote = "") {
    return route_of(Direction::out, std::move(filter), std::move(local), std::move(remote));
}
inline Route in_route(std::string filter, std::string local = "", std::string remote = "") {
    return route_of(Direction::in, std::move(filter), std::move(local), std::move(remote));
}
inline Route both_route(std::string filter, std::string local = "", std::string remote = "") {
    return route_of(Direction::both, std::move(filter), std::move(local), std::move(remote));
}

}  // namespace ledge::bridge
