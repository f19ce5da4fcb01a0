#include "ledge/session/dirty_list.hpp"

#include "ledge/session/connection.hpp"

namespace ledge::session {

void DirtyList::add(Connection& connection) {
    if (connection.is_dirty_) return;
    connection.is_dirty_ = true;
    connection.next_dirty_ = nullptr;
    (tail_ == nullptr ? head_ : tail_->next_dirty_) = &connection;
    tail_ = &connection;
}

Connection* DirtyList::pop() {
    Connection* first = head_;
    if (first == nullptr) return nullptr;
    head_ = std::exchange(first->next_dirty_, nullptr);
    if (head_ == nullptr) tail_ = nullptr;
    first->is_dirty_ = false;
    return first;
}

// The list is short (the connections of one turn), so a walk is cheap enough.
void DirtyList::remove(Connection& connection) {
    if (!connection.is_dirty_) return;
    Connection* previous = nullptr;
    for (Connection* one = head_; one != &connection; one = one->next_dirty_) previous = one;
    (previous == nullptr ? head_ : previous->next_dirty_) = connection.next_dirty_;
    if (tail_ == &connection) tail_ = previous;
    connection.is_dirty_ = false;
}

}  // namespace ledge::session
