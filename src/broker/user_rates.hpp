// UserRates: the rate limits of users. All connections of one user name share one rate; a connection gets it when its
// client has logged in. Owned by the shard, and outlives the connections; on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>

#include "ledge/session/connection.hpp"

namespace ledge::broker {

class UserRates {
public:
    /// Users without a connection that are remembered because their rate is not full again. They are counted when the
    /// table has doubled, so twice as many may be remembered in the meantime.
    static constexpr std::size_t absent_max = 4096;

    /// From now on the rate of the connection's user holds for the connection too, if its listener has limits for users
    /// and the client has proven a user name. Requires that the connection has a rate.
    void join(session::Connection& connection, Instant now);

    /// The rate of `user`. A new one is full and has the values of `limits`. The address of the rate does not change
    /// while the user has a connection.
    session::UserRate& of(const std::string& user, const session::SessionLimits& limits, Instant now);

    std::size_t size() const { return users_.size(); }

private:
    void forget(Instant now);

    static constexpr std::size_t looked_at_least = 64;

    boost::unordered_flat_map<std::string, std::unique_ptr<session::UserRate>> users_;
    std::size_t forget_at_ = looked_at_least;  // number of users at which forget() runs next
};

}  // namespace ledge::broker
