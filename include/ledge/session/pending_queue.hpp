// Pending queue: QoS 1/2 deliveries (QoS 0 if configured) that wait for a connection, for room in the in-flight window
// or for a slow reader. Bounded in messages and bytes.
#pragma once

#include <cstdint>

#include "ledge/base/ring.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/publication.hpp"

namespace ledge::session {

class PendingQueue {
public:
    bool empty() const { return queue_.empty(); }
    std::size_t size() const { return queue_.size(); }
    std::uint64_t bytes() const { return bytes_; }

    bool fits(std::size_t bytes, const SessionLimits& limits) const {
        return queue_.size() < limits.queue_messages_max && bytes_ + bytes <= limits.queue_bytes_max;
    }
    const Delivery& front() const { return queue_[0]; }
    void push(Delivery delivery);
    Delivery pop();

    void shrink() { queue_.shrink(); }

private:
    Ring<Delivery> queue_;
    std::uint64_t bytes_ = 0;
};

}  // namespace ledge::session
