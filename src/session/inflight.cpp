#include "ledge/session/inflight.hpp"

#include <algorithm>

namespace ledge::session {

wire::PacketId Inflight::open(Delivery delivery, bool is_sent) {
    LEDGE_ASSERT(has_room());
    const OutState state = delivery.qos == wire::QoS::exactly_once ? OutState::sent_qos2 : OutState::sent_qos1;
    const wire::PacketId id = id_at(entries_.size());
    if (is_sent) {
        LEDGE_ASSERT(!has_unsent());
        ++next_unsent_;
    }
    const bool is_repetition = delivery.may_be_repetition;
    entries_.push_back({std::move(delivery), state, true, is_repetition});
    ++unfinished_;
    ++counted_;
    return id;
}

bool Inflight::restore(wire::PacketId id, Delivery delivery, OutState state) {
    if (id == 0 || state == OutState::done) return false;
    if (entries_.empty()) first_id_ = id;
    const std::size_t index = index_of(id);
    if (index < entries_.size() || index >= overtaking_max) return false;
    while (entries_.size() < index) entries_.push_back({});
    entries_.push_back({std::move(delivery), state, false, true});
    ++unfinished_;
    return true;
}

Inflight::Entry* Inflight::find(wire::PacketId id) {
    if (id == 0) return nullptr;
    const std::size_t index = index_of(id);
    if (index >= entries_.size() || entries_[index].state == OutState::done) return nullptr;
    return &entries_[index];
}

Inflight::Entry* Inflight::find_answerable(wire::PacketId id) {
    Entry* entry = find(id);
    if (entry == nullptr || index_of(id) < next_unsent_ || entry->is_repetition) return entry;
    return nullptr;
}

void Inflight::release(Entry& entry) {
    entry.state = OutState::released;
    entry.delivery.publication = {};
    entry.delivery.ids = {};
}

void Inflight::finish(wire::PacketId id) {
    Entry* entry = find(id);
    LEDGE_ASSERT(entry != nullptr);
    if (entry->is_counted) --counted_;
    *entry = {};
    --unfinished_;
    while (!entries_.empty() && entries_.front().state == OutState::done) {
        entries_.pop_front();
        first_id_ = first_id_ % ids + 1U;
        if (next_unsent_ > 0) --next_unsent_;
    }
}

void Inflight::mark_unsent() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        // What waited for a commit to be sent for the first time is no repetition.
        if (i < next_unsent_) entries_[i].is_repetition = true;
        entries_[i].is_counted = false;
    }
    counted_ = 0;
    next_unsent_ = 0;
}

void Inflight::count(Entry& entry) {
    if (entry.is_counted) return;
    entry.is_counted = true;
    ++counted_;
}

Inflight::Entry* Inflight::next_unsent(wire::PacketId& id) {
    for (; next_unsent_ < entries_.size(); ++next_unsent_) {
        if (entries_[next_unsent_].state == OutState::done) continue;
        id = id_at(next_unsent_);
        return &entries_[next_unsent_];
    }
    return nullptr;
}

}  // namespace ledge::session
