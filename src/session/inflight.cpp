#include "ledge/session/inflight.hpp"

#include <algorithm>

namespace ledge::session {

wire::PacketId Inflight::open(Delivery delivery) {
    LEDGE_ASSERT(has_room());
    const OutState state = delivery.qos == wire::QoS::exactly_once ? OutState::sent_qos2 : OutState::sent_qos1;
    const wire::PacketId id = id_at(entries_.size());
    if (!has_unsent()) ++next_unsent_;
    entries_.push_back({std::move(delivery), state, true});
    ++unfinished_;
    ++sent_;
    return id;
}

Inflight::Entry* Inflight::find(wire::PacketId id) {
    if (id == 0) return nullptr;
    const std::size_t index = index_of(id);
    if (index >= entries_.size() || entries_[index].state == OutState::done) return nullptr;
    return &entries_[index];
}

void Inflight::release(Entry& entry) {
    entry.state = OutState::released;
    entry.delivery.publication = {};
    entry.delivery.ids = {};
}

void Inflight::finish(wire::PacketId id) {
    Entry* entry = find(id);
    LEDGE_ASSERT(entry != nullptr);
    if (entry->is_sent) --sent_;
    *entry = {};
    --unfinished_;
    while (!entries_.empty() && entries_.front().state == OutState::done) {
        entries_.pop_front();
        first_id_ = first_id_ % ids + 1U;
        if (next_unsent_ > 0) --next_unsent_;
    }
}

void Inflight::mark_unsent() {
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].is_sent = false;
    sent_ = 0;
    next_unsent_ = 0;
}

void Inflight::mark_sent(Entry& entry) {
    entry.is_sent = true;
    ++sent_;
}

Inflight::Entry* Inflight::next_unsent(wire::PacketId& id) {
    // Exchanges opened on this connection are sent at once: all after the first unsent one of a resume are sent too.
    for (; next_unsent_ < entries_.size(); ++next_unsent_) {
        Entry& entry = entries_[next_unsent_];
        if (entry.state == OutState::done || entry.is_sent) continue;
        id = id_at(next_unsent_);
        return &entry;
    }
    return nullptr;
}

}  // namespace ledge::session
