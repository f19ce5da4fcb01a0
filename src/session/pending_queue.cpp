#include "ledge/session/pending_queue.hpp"

namespace ledge::session {

void PendingQueue::push(Delivery delivery) {
    bytes_ += delivery.publication.bytes();
    queue_.push_back(std::move(delivery));
}

Delivery PendingQueue::pop() {
    Delivery delivery = queue_.pop_front();
    bytes_ -= delivery.publication.bytes();
    return delivery;
}

}  // namespace ledge::session
