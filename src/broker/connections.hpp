// Connections: owns all connections of a shard in intrusive lists and counts them per listener and per owner. On the
// shard's thread.
//
//     arriving ──CONNECT accepted──► connected
//        └──────────── closing ──────────┴──► leaving ──socket gone──► destroyed
// An arriving or a connected connection occupies a place of its listener. A leaving connection has given its place
// back; the driver closes its socket soon after.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "ledge/base/shares.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/listener_counters.hpp"

namespace ledge::broker {

class Connections {
public:
    explicit Connections(std::size_t listeners) : rooms_(listeners), counters_(listeners) {}
    ~Connections();
    /// Adds a listener; its index is the previous number of listeners.
    void add_listener() {
        rooms_.emplace_back();
        counters_.emplace_back();
    }

    std::uint32_t count() const { return count_; }
    /// Occupied places: of the arriving, and of the connected on one listener and on all.
    std::uint32_t arriving(std::uint16_t listener) const { return rooms_[listener].networks.total(); }
    std::uint32_t connected(std::uint16_t listener) const { return rooms_[listener].owners.total(); }
    std::uint32_t connected() const { return connected_; }
    session::ListenerCounters& counters(std::uint16_t listener) { return counters_[listener]; }
    /// How many places of the connected each owner has.
    const Shares<OwnerId>& owners(std::uint16_t listener) const { return rooms_[listener].owners; }

    /// Adds an arriving connection.
    session::Connection& add(std::unique_ptr<session::Connection> connection, std::uint16_t listener);
    /// The CONNECT of an arriving connection was accepted. Its place counts for `owner` from now on.
    void mark_connected(session::Connection& connection, OwnerId owner);
    /// The connection is closing and gives its place back. Does nothing when it is leaving already.
    void leave(session::Connection& connection);
    /// Destroys the connection.
    void remove(session::Connection& connection);

    /// Among the arriving connections of the networks with the most of them: the oldest that waits for CONNECT, or else
    /// the oldest. nullptr when no connection is arriving.
    session::Connection* longest_arriving(std::uint16_t listener) const;
    /// The newest connected connection of the owner with the most places. nullptr when no connection is connected.
    session::Connection* newest_of_largest_owner(std::uint16_t listener) const;

    /// A walk through the connected connections of all listeners, the oldest first, which may take many calls. There is
    /// one walk at a time. A connection that leaves is skipped; one that comes meanwhile may be visited.
    class Walk {
    public:
        void begin();
        /// The connection that the walk has reached; nullptr = the walk is over.
        session::Connection* connection() const { return at_; }
        void go_on();
        /// Another number for each connection that is reached; never 0.
        std::uint64_t position() const { return position_; }

    private:
        friend class Connections;
        explicit Walk(const Connections& of) : of_(of) {}
        void reach(session::Connection* next);

        const Connections& of_;
        std::size_t room_ = 0;
        session::Connection* at_ = nullptr;
        std::uint64_t position_ = 0;
    };
    Walk& walk() { return walk_; }
    const Walk& walk() const { return walk_; }

    /// Calls `f` for each connection. `f` may remove the connection that it gets. A connection that `f` makes leave may
    /// be visited a second time, in the list of the leaving.
    template <class F>
    void for_each(F&& f) {
        for (Room& room : rooms_) {
            visit(room.arriving, f);
            visit(room.connected, f);
        }
        visit(leaving_, f);
    }

private:
    /// An intrusive list, the oldest connection first.
    struct List {
        session::Connection* head = nullptr;
        session::Connection* tail = nullptr;
    };
    struct Room {
        List arriving;
        List connected;
        Shares<NetworkId> networks;  // places of the arriving, by network
        Shares<OwnerId> owners;      // places of the connected, by owner
    };

    static void append(List& list, session::Connection& connection);
    void unlink(List& list, session::Connection& connection);
    List& list_of(const session::Connection& connection);
    void give_back_place(const session::Connection& connection);

    template <class F>
    static void visit(List& list, F&& f) {
        for (session::Connection* c = list.head; c != nullptr;) {
            session::Connection* next = c->next_;  // read first: `f` may destroy the connection
            f(*c);
            c = next;
        }
    }

    std::vector<Room> rooms_;                         // by listener index
    std::deque<session::ListenerCounters> counters_;  // the same; connections refer to them
    List leaving_;
    std::uint32_t connected_ = 0;
    std::uint32_t count_ = 0;
    Walk walk_{*this};
};

}  // namespace ledge::broker
