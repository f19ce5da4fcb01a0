#include "ledge/session/ack_barrier.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

BarrierId AckBarriers::open() {
    if (free_.empty()) {
        barriers_.emplace_back();
        free_.push_back(static_cast<BarrierId>(barriers_.size()));
    }
    const BarrierId id = free_.back();
    free_.pop_back();
    barriers_[id - 1] = {.holders = 1};
    return id;
}

AckBarriers::Barrier& AckBarriers::at(BarrierId id) {
    LEDGE_ASSERT(id > 0 && id <= barriers_.size() && barriers_[id - 1].holders > 0);
    return barriers_[id - 1];
}

void AckBarriers::attach(BarrierId id, Connection& connection, wire::PacketType kind, std::uint32_t number) {
    Barrier& barrier = at(id);
    barrier.publisher = &connection;
    barrier.kind = kind;
    barrier.number = number;
}

void AckBarriers::release(BarrierId id) {
    Barrier& barrier = at(id);
    if (--barrier.holders > 0) return;
    const Barrier last = barrier;
    free_.push_back(id);
    if (last.publisher == nullptr) return;
    if (last.is_commit_required)
        last.publisher->forget_barrier(last.kind, last.number);
    else
        last.publisher->settle_ack(last.kind, last.number);
}

}  // namespace ledge::session
