// Connections: intrusive lists for each listener, and the walk of Access, which survives the removal of connections.
#include "connections.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::broker {

using session::Connection;
using Place = session::Connection::Place;

Connections::~Connections() {
    // Gather all connections in one list, then destroy them one by one.
    for_each([this](Connection& connection) { leave(connection); });
    while (leaving_.head != nullptr) remove(*leaving_.head);
}

Connection& Connections::add(std::unique_ptr<Connection> connection, std::uint16_t listener) {
    LEDGE_ASSERT(connection != nullptr && listener < rooms_.size());
    Connection& added = *connection.release();
    added.listener_index = listener;
    added.listener_counters = &counters_[listener];
    ++counters_[listener].accepted;
    rooms_[listener].networks.add(added.peer().network);
    // At the end, so each list is in the order of arrival; the searches for victims rely on this order.
    append(rooms_[listener].arriving, added);
    ++count_;
    return added;
}

void Connections::mark_connected(Connection& connection, OwnerId owner) {
    LEDGE_ASSERT(connection.place_ == Place::arriving);
    Room& room = rooms_[connection.listener_index];
    give_back_place(connection);
    unlink(room.arriving, connection);
    connection.place_ = Place::connected;
    connection.owner_ = owner;
    append(room.connected, connection);
    room.owners.add(owner);
    ++connected_;
}

void Connections::leave(Connection& connection) {
    if (connection.place_ == Place::leaving) return;
    give_back_place(connection);  // by the old place_, so before the change below
    unlink(list_of(connection), connection);
    connection.place_ = Place::leaving;
    append(leaving_, connection);
}

void Connections::remove(Connection& connection) {
    leave(connection);
    unlink(leaving_, connection);
    LEDGE_ASSERT(count_ > 0);
    --count_;
    // The list of dirty connections must not point to destroyed memory.
    connection.unlink_dirty();
    delete &connection;
}

Connection* Connections::longest_arriving(std::uint16_t listener) const {
    LEDGE_ASSERT(listener < rooms_.size());
    const Room& room = rooms_[listener];
    Connection* talking = nullptr;  // the oldest that has already sent CONNECT
    for (Connection* c = room.arriving.head; c != nullptr; c = c->next_) {
        if (room.networks.of(c->peer().network) != room.networks.largest()) continue;
        // A peer that has sent nothing is more likely to be useless than one whose login is under way.
        if (c->is_awaiting_connect()) return c;
        if (talking == nullptr) talking = c;
    }
    return talking;
}

Connection* Connections::newest_of_largest_owner(std::uint16_t listener) const {
    LEDGE_ASSERT(listener < rooms_.size());
    const Room& room = rooms_[listener];
    // From the newest: clients that work for a long time keep their places.
    for (Connection* c = room.connected.tail; c != nullptr; c = c->previous_) {
        if (room.owners.of(c->owner_) == room.owners.largest()) return c;
    }
    return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------------
// Walk

void Connections::Walk::begin() {
    room_ = 0;
    reach(of_.rooms_.empty() ? nullptr : of_.rooms_.front().connected.head);
}

void Connections::Walk::go_on() {
    LEDGE_ASSERT(at_ != nullptr);
    reach(at_->next_);
}

/// Reaches `next`, or the first connection of the next listener that has one.
void Connections::Walk::reach(Connection* next) {
    while (next == nullptr && room_ + 1 < of_.rooms_.size()) next = of_.rooms_[++room_].connected.head;
    at_ = next;
    // Each stop of the walk has its own number, so Access notices that the walk has moved on.
    ++position_;
}

// ---------------------------------------------------------------------------------------------------------------------

void Connections::give_back_place(const Connection& connection) {
    Room& room = rooms_[connection.listener_index];
    LEDGE_ASSERT(connection.place_ != Place::leaving);
    if (connection.place_ == Place::arriving) return room.networks.remove(connection.peer().network);
    LEDGE_ASSERT(connected_ > 0);
    room.owners.remove(connection.owner_);
    --connected_;
}

Connections::List& Connections::list_of(const Connection& connection) {
    Room& room = rooms_[connection.listener_index];
    switch (connection.place_) {
        case Place::arriving: return room.arriving;
        case Place::connected: return room.connected;
        case Place::leaving: break;
    }
    return leaving_;
}

// The two ends of the list have no node of their own: where a neighbour is missing, head or tail is changed instead.
void Connections::append(List& list, Connection& connection) {
    connection.next_ = nullptr;
    connection.previous_ = list.tail;
    (list.tail != nullptr ? list.tail->next_ : list.head) = &connection;
    list.tail = &connection;
}

void Connections::unlink(List& list, Connection& connection) {
    // The walk must never stand on a connection that leaves its list.
    if (walk_.connection() == &connection) walk_.go_on();
    (connection.previous_ != nullptr ? connection.previous_->next_ : list.head) = connection.next_;
    (connection.next_ != nullptr ? connection.next_->previous_ : list.tail) = connection.previous_;
}

}  // namespace ledge::broker
