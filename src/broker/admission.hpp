// Admission: decides which connections stay when a listener is full. Owned by the shard; on the shard's thread.
//
// Peers without an accepted CONNECT may exceed connections_max by arrivals_max, so that a newcomer can name its user.
// When these places are used up too, the network with the most arriving peers loses the one that has waited longest.
// A client with an accepted CONNECT replaces the newest client of the largest owner, if that owner would still have
// more connections than the newcomer's owner. So no client is disconnected while there is room, and no owner can lock
// the others out by filling a listener.
#pragma once

#include <optional>
#include <string>

#include "connections.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::broker {

/// The owner that the connection's place counts for. For a connection whose CONNECT has been accepted and whose session
/// is not open yet.
OwnerId owner_of_client(const session::Connection& connection);

class Admission {
public:
    static constexpr Duration log_interval = 10s;  // between two log lines about a full listener

    /// The services must outlive the Admission.
    struct Services {
        const Log& log;
        session::Counters& counters;
    };

    Admission(const Services& services, Connections& connections, const ShardOptions& options)
        : services_(services), connections_(connections), options_(options) {}

    /// Call before a peer arrives. Closes one arriving connection when the listener has no place for another.
    void make_room_for_arrival(std::uint16_t listener, Instant now);
    /// True when a client of this owner can be connected: a place is free, the client inherits the place of the
    /// connection that it takes over (`replaced`, or nullptr), or the client of a larger owner can be disconnected.
    bool has_place(const session::Connection& connection, OwnerId owner, const session::Connection* replaced) const;
    /// The connection is connected now and occupies a place. Disconnects another client when no place was free.
    void occupy_place(session::Connection& connection, OwnerId owner, Instant now);

    /// The limit that refuses this connection, as a text for the log and for the client.
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
    std::uint64_t unlogged_ = 0;  // connections closed for others since the last log line
};

}  // namespace ledge::broker
