#include "connections.hpp"

namespace ledge::broker {

Connections::~Connections() {
    for_each([this](session::Connection& connection) { remove(connection); });
}

session::Connection& Connections::add(std::unique_ptr<session::Connection> connection, std::uint16_t listener) {
    session::Connection* added = connection.release();
    added->listener_index = listener;
    added->next_ = head_;
    if (head_ != nullptr) head_->previous_ = added;
    head_ = added;
    ++count_;
    ++per_listener_[listener];
    return *added;
}

void Connections::remove(session::Connection& connection) {
    if (connection.previous_ != nullptr)
        connection.previous_->next_ = connection.next_;
    else
        head_ = connection.next_;
    if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
    --count_;
    --per_listener_[connection.listener_index];
    connection.unlink_dirty();
    delete &connection;
}

}  // namespace ledge::broker
