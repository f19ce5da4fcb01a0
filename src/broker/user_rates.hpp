// UserRates: the rates of users, one for all connections of a user name, found when a client has logged in. Owned by
// the shard; outlives its connections.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>

#include "ledge/session/connection.hpp"

namespace ledge::broker {

class UserRates {
public:
    /// Users without a connection that are remembered because they have not made up for what they have sent. Looked at
    /// when the table has doubled, so there may be twice as many meanwhile.
    static constexpr std::size_t absent_max = 4096;

    /// `connection` has a session and a rate: from now on its user's holds too, if its listener has one and it has
    /// proven a user name.
    void join(session::Connection& connection, Instant now);

    /// That of `user`; a new one is full, with the values of `limits`. Stays where it is while it has a connection.
    session::UserRate& of(const std::string& user, const session::SessionLimits& limits, Instant now);

    std::size_t size() const { return users_.size(); }

private:
    void forget(Instant now);

    static constexpr std::size_t looked_at_least = 64;

    boost::unordered_flat_map<std::string, std::unique_ptr<session::UserRate>> users_;
    std::size_t forget_at_ = looked_at_least;  // users
};

}  // namespace ledge::broker
