#include "ledge/session/inflight.hpp"

#include <algorithm>

#include "ledge/session/limits.hpp"

namespace ledge::session {

static_assert(Inflight::overtaking_max == inflight_ceiling, "the largest window must have room");

bool Inflight::has_room(wire::PacketId id) const {
    if (id == 0) return false;
    if (entries_.empty()) return true;
    const std::size_t index = index_of(id);
    return index >= entries_.size() && index < overtaking_max;
}

[[gnu::hot]] void Inflight::open(wire::PacketId id, Delivery&& delivery, bool is_sent) {
    LEDGE_ASSERT(has_room(id));
    LEDGE_ASSERT(!is_sent || !has_unsent());
    if (entries_.empty()) first_id_ = id;
    const std::size_t index = index_of(id);
    // Fill the gap: these ids belong to deliveries that were dropped before they were sent.
    while (entries_.size() < index) entries_.push_back({});
    const journal::OutState first =
        delivery.qos == wire::QoS::exactly_once ? journal::OutState::sent_qos2 : journal::OutState::sent_qos1;
    const journal::OutState state = delivery.state == journal::OutState::done ? first : delivery.state;
    Entry& entry = entries_.append();
    entry.delivery = std::move(delivery);
    entry.state = state;
    entry.is_counted = true;
    if (state == journal::OutState::released) release(entry);
    if (is_sent) next_unsent_ = static_cast<std::uint32_t>(entries_.size());
    ++unfinished_;
    ++counted_;
}

[[gnu::hot]] Inflight::Entry* Inflight::find(wire::PacketId id) {
    if (id == 0) return nullptr;
    const std::size_t index = index_of(id);
    if (index >= entries_.size() || entries_[index].state == journal::OutState::done) return nullptr;
    return &entries_[index];
}

[[gnu::hot]] Inflight::Entry* Inflight::find_answerable(wire::PacketId id) {
    Entry* entry = find(id);
    if (entry == nullptr || index_of(id) < next_unsent_ || entry->is_repetition()) return entry;
    return nullptr;
}

std::uint64_t Inflight::message_bytes() const {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const journal::Publication& publication = entries_[i].delivery.publication;
        if (entries_[i].state != journal::OutState::done && publication) bytes += publication.bytes();
    }
    return bytes;
}

[[gnu::hot]] void Inflight::release(Entry& entry) {
    LEDGE_ASSERT(entry.state != journal::OutState::done && entry.state != journal::OutState::sent_qos1);
    entry.state = journal::OutState::released;
    entry.delivery.publication = {};
    entry.delivery.ids = {};
}

[[gnu::hot]] void Inflight::finish(wire::PacketId id) {
    Entry* entry = find(id);
    LEDGE_ASSERT(entry != nullptr);
    if (entry->is_counted) --counted_;
    --unfinished_;
    LEDGE_ASSERT(counted_ <= unfinished_);
    if (entry == &entries_.front())
        entry->state = journal::OutState::done;
    else
        *entry = {};  // gives the message's memory back, although the slot stays until the older exchanges are finished
    while (!entries_.empty() && entries_.front().state == journal::OutState::done) {
        entries_.drop_front();
        first_id_ = first_id_ % ids + 1U;
        if (next_unsent_ > 0) --next_unsent_;
    }
}

void Inflight::mark_unsent() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        // An exchange whose first PUBLISH still waits for a commit will be no repetition.
        if (i < next_unsent_) entries_[i].delivery.sent = Sent::yes;
        entries_[i].is_counted = false;
    }
    counted_ = 0;
    next_unsent_ = 0;
}

void Inflight::count(Entry& entry) {
    if (entry.is_counted) return;
    entry.is_counted = true;
    ++counted_;
    LEDGE_ASSERT(counted_ <= unfinished_);
}

Inflight::Entry* Inflight::next_unsent(wire::PacketId& id) {
    for (; next_unsent_ < entries_.size(); ++next_unsent_) {
        if (entries_[next_unsent_].state == journal::OutState::done) continue;
        id = id_at(next_unsent_);
        return &entries_[next_unsent_];
    }
    return nullptr;
}

}  // namespace ledge::session
