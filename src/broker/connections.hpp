// All connections of a shard: owned in intrusive lists, counted per listener and per owner.
//
//     arriving ──CONNECT accepted──► connected
//        └──────────── closing ──────────┴──► leaving ──socket gone──► destroyed
// A place is what an arriving or a connected one has. Whoever is leaving has given his place back; his socket is gone
// soon after.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/shares.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::broker {

class Connections {
public:
    explicit Connections(std::size_t listeners) : rooms_(listeners) {}
    ~Connections();
    /// One more, behind the others.
    void add_listener() { rooms_.emplace_back(); }

    std::uint32_t count() const { return count_; }
    /// Places of one listener, and of all.
    std::uint32_t arriving(std::uint16_t listener) const { return rooms_[listener].networks.total(); }
    std::uint32_t connected(std::uint16_t listener) const { return rooms_[listener].owners.total(); }
    std::uint32_t connected() const { return connected_; }
    /// Who has the places of the connected.
    const Shares<OwnerId>& owners(std::uint16_t listener) const { return rooms_[listener].owners; }

    /// It arrives.
    session::Connection& add(std::unique_ptr<session::Connection> connection, std::uint16_t listener);
    /// Its CONNECT has been accepted; `owner` is charged with its place.
    void mark_connected(session::Connection& connection, OwnerId owner);
    /// It is closing. May be said again.
    void leave(session::Connection& connection);
    /// Destroys it.
    void remove(session::Connection& connection);

    /// Of those that arrive, of the network that has most of them: the one that has waited longest, silent ones first.
    /// nullptr: nobody arrives.
    session::Connection* longest_arriving(std::uint16_t listener) const;
    /// Of those connected, of an owner that has most of them: the newest. nullptr: nobody is connected.
    session::Connection* newest_of_largest_owner(std::uint16_t listener) const;

    /// `f` may remove the connection that it is given. One that leaves meanwhile may be met again.
    template <class F>
    void for_each(F&& f) {
        for (Room& room : rooms_) {
            walk(room.arriving, f);
            walk(room.connected, f);
        }
        walk(leaving_, f);
    }

private:
    /// Oldest first.
    struct List {
        session::Connection* head = nullptr;
        session::Connection* tail = nullptr;
    };
    struct Room {
        List arriving;
        List connected;
        Shares<NetworkId> networks;  // of the arriving
        Shares<OwnerId> owners;      // of the connected
    };

    static void append(List& list, session::Connection& connection);
    static void unlink(List& list, session::Connection& connection);
    List& list_of(const session::Connection& connection);
    void give_back_place(const session::Connection& connection);

    template <class F>
    static void walk(List& list, F&& f) {
        for (session::Connection* c = list.head; c != nullptr;) {
            session::Connection* next = c->next_;
            f(*c);
            c = next;
        }
    }

    std::vector<Room> rooms_;  // of each listener
    List leaving_;
    std::uint32_t connected_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace ledge::broker
