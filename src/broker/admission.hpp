// Admission: who has a place on a listener that is full. Peers may arrive beyond connections_max, so that a newcomer
// can say who it is; when the room for arrivals is full too, the network with most silent peers gives way. A client
// whose CONNECT is right takes the place of the newest client of the largest owner, if that owner has more than the
// newcomer's would have then. So nobody is hurt while there is room, and nobody can keep the others out by filling it.
// On the shard's thread.
#pragma once

#include <optional>
#include <string>

#include "connections.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::broker {

/// Who is charged with the place of a client whose CONNECT has been judged, and whose session is still to be opened.
OwnerId owner_of_client(const session::Connection& connection);

class Admission {
public:
    static constexpr Duration log_interval = 10s;  // between two log lines about a full listener

    /// All outlive it.
    struct Services {
        const Log& log;
        session::Counters& counters;
    };

    Admission(const Services& services, Connections& connections, const ShardOptions& options)
        : services_(services), connections_(connections), options_(options) {}

    /// A peer is about to arrive: makes room for it.
    void make_room_for_arrival(std::uint16_t listener, Instant now);
    /// Whether a client of this owner can be connected: there is a place, it is the place of the connection that it
    /// takes over (`replaced`, or nullptr), or somebody can give way.
    bool has_place(const session::Connection& connection, OwnerId owner, const session::Connection* replaced) const;
    /// It is connected: takes its place, from somebody else if need be.
    void occupy_place(session::Connection& connection, OwnerId owner, Instant now);

    /// Which key is in the way of this connection.
    std::string limit_in_the_way(const session::Connection& connection) const;

private:
    bool is_full(std::uint16_t listener) const;
    bool are_all_full(std::uint16_t listener) const;
    std::uint16_t fullest(std::uint16_t listener) const;
    void log_victim(const session::Connection& victim, std::string_view limit, std::uint32_t places, Instant now);

    Services services_;
    Connections& connections_;
    const ShardOptions& options_;
    Instant next_log_at_ = Instant::min();
    std::uint64_t unlogged_ = 0;  // gave way since the last line
};

}  // namespace ledge::broker
