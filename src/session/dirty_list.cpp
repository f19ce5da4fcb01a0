#include "ledge/session/dirty_list.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

[[gnu::hot]] void DirtyList::add(Connection& connection) {
    if (connection.is_dirty_) return;
    LEDGE_ASSERT((head_ == nullptr) == (tail_ == nullptr));
    connection.is_dirty_ = true;
    connection.next_dirty_ = nullptr;
    (tail_ == nullptr ? head_ : tail_->next_dirty_) = &connection;
    tail_ = &connection;
}

[[gnu::hot]] Connection* DirtyList::pop() {
    Connection* first = head_;
    if (first == nullptr) return nullptr;
    LEDGE_ASSERT(first->is_dirty_);
    head_ = std::exchange(first->next_dirty_, nullptr);
    if (head_ == nullptr) tail_ = nullptr;
    first->is_dirty_ = false;
    return first;
}

// A walk is cheap enough, because the list has only the connections of one turn.
void DirtyList::remove(Connection& connection) {
    if (!connection.is_dirty_) return;
    Connection* previous = nullptr;
    for (Connection* one = head_; one != &connection; one = one->next_dirty_) previous = one;
    (previous == nullptr ? head_ : previous->next_dirty_) = connection.next_dirty_;
    if (tail_ == &connection) tail_ = previous;
    connection.is_dirty_ = false;
}

}  // namespace ledge::session
