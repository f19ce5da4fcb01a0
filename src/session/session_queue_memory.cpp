// SessionQueue: how much memory the queue holds, and how it frees memory when memory is short. Messages that the store
// has are read again when their turn comes. Messages that only memory has are lost: counted and logged. Also how the
// queue is cleared for an operator.
#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_queue.hpp"
#include "ledge/session/session_records.hpp"

namespace ledge::session {

namespace {

/// Each of the sessions that share a publication is charged an equal part, because the memory is freed only when the
/// last of them drops the publication.
std::uint64_t share_of(const journal::Publication& publication) {
    const std::uint32_t holders = std::max(publication.blob().references(), 1U);
    return publication ? publication.blob().size() / holders : 0;
}

}  // namespace

[[gnu::hot]] void SessionQueue::count_slots() {
    const std::uint64_t now = slot_bytes();
    if (now == counted_slots_) return;
    services_.memory.add(MemoryKind::queues, now);
    services_.memory.remove(MemoryKind::queues, std::exchange(counted_slots_, now));
}

std::uint64_t SessionQueue::held_bytes() {
    std::uint64_t bytes = memory();
    inflight_.for_each(
        [&](wire::PacketId, const Inflight::Entry& entry) { bytes += share_of(entry.delivery.publication); });
    return bytes;
}

// Only a loaded front without gaps can be unloaded: the tail is described by its first row alone, so rows that were
// dropped between the loaded ones, and may still be in the store, would come back.
bool SessionQueue::is_unloadable() const {
    return is_stored() && pending_.has_loaded() && !has_gaps_ && pending_.is_all_stored();
}

// A sent message is needed again only if the client reconnects without having acknowledged it. Both records must be on
// stable storage: while the record of the message is pending, the end of the exchange cancels the record, and finds its
// ticket in the publication.
bool SessionQueue::is_unloadable(wire::PacketId id, const Inflight::Entry& entry) {
    const Delivery& delivery = entry.delivery;
    const journal::Journal& journal = services_.journal;
    return delivery.publication && delivery.is_stored && delivery.message != no_message &&
           journal.is_durable(delivery.ticket) && journal.is_durable(delivery.publication.message_ticket()) &&
           inflight_.find_answerable(id) != nullptr;
}

std::uint64_t SessionQueue::unloadable_bytes() {
    if (!is_stored()) return 0;
    std::uint64_t bytes = is_unloadable() ? pending_.loaded_bytes() : 0;
    inflight_.for_each([&](wire::PacketId id, const Inflight::Entry& entry) {
        if (is_unloadable(id, entry)) bytes += share_of(entry.delivery.publication);
    });
    return bytes;
}

void SessionQueue::unload() {
    if (is_unloadable()) unload_pending();
    inflight_.for_each([&](wire::PacketId id, Inflight::Entry& entry) {
        if (is_unloadable(id, entry)) entry.delivery.publication = {};
    });
    shrink();
}

void SessionQueue::unload_pending() {
    LEDGE_ASSERT(pending_.has_loaded());
    const QueueRow first = pending_.front().row;
    const std::uint64_t rows = pending_.loaded();
    const std::uint64_t bytes = pending_.loaded_bytes();
    while (pending_.has_loaded()) {
        const Delivery delivery = pending_.pop();
        tail_ticket_ = std::max(tail_ticket_, delivery.ticket);
        // The index had the topic before, so it has room, or the topic had found none.
        if (rules_ != nullptr) static_cast<void>(note_newest(delivery, true));
    }
    pending_.put_back(first, rows, bytes);
}

std::uint64_t SessionQueue::unstored_bytes() {
    std::uint64_t bytes = pending_.is_all_stored() ? 0 : pending_.loaded_bytes();
    inflight_.for_each([&](wire::PacketId, const Inflight::Entry& entry) {
        if (!entry.delivery.is_stored) bytes += share_of(entry.delivery.publication);
    });
    return bytes;
}

void SessionQueue::drop_unstored() {
    const std::uint64_t dropped = drop_unstored_in_flight() + drop_unstored_pending();
    shrink();
    if (dropped == 0) return;
    note_losses(&QueueLosses::memory, dropped);
    services_.log.warning("queue_dropped", {{"client_id", record_.client_id()},
                                            {"messages", dropped},
                                            {"reason", "memory is short"},
                                            {"limit", "memory.budget_bytes"}});
}

std::uint64_t SessionQueue::drop_unstored_pending() {
    std::uint64_t dropped = 0;
    // Each loaded delivery moves from the front to the back once, so the order stays.
    for (std::size_t left = pending_.loaded(); left > 0; --left) {
        Delivery delivery = remove_loaded(0);
        if (delivery.is_stored) {
            enqueue_loaded(std::move(delivery));
        } else {
            ++dropped;
            drop(&Counters::dropped_memory, delivery);
            note_removed(1, delivery.publication.bytes());
            if (rules_ != nullptr) note_left(delivery);
            discard(delivery);
        }
    }
    return dropped;
}

// A QoS 1 exchange simply ends; a late PUBACK is ignored. A QoS 2 exchange goes on with PUBREL if the client may hold
// the packet id, because only PUBREL frees the id on both sides [MQTT-4.3.3-7].
std::uint64_t SessionQueue::drop_unstored_in_flight() {
    std::vector<wire::PacketId> over;  // finished after the walk, because finishing changes the window
    std::uint64_t dropped = 0;
    inflight_.for_each([&](wire::PacketId id, Inflight::Entry& entry) {
        if (entry.delivery.is_stored || !entry.delivery.publication) return;
        ++dropped;
        drop(&Counters::dropped_memory, entry.delivery, id);
        note_removed(1, entry.delivery.publication.bytes());
        if (entry.state == journal::OutState::sent_qos2 && inflight_.find_answerable(id) != nullptr)
            inflight_.release(entry);
        else
            over.push_back(id);
    });
    for (const wire::PacketId id : over) finish_exchange(id);
    return dropped;
}

// Deliveries that have begun stand at the front. They are set aside, so that the rows of the tail behind them are
// loaded and discarded too. At the end they return to the front.
SessionQueue::Cleared SessionQueue::clear(QueueRow until, std::size_t count_max) {
    Cleared cleared;
    std::vector<Delivery> begun;
    Next state = next();
    while (state == Next::loaded && pending_.front().row <= until && cleared.messages < count_max) {
        Delivery delivery = remove_loaded(0);
        if (delivery.is_begun()) {
            begun.push_back(std::move(delivery));
        } else {
            ++cleared.messages;
            drop(&Counters::dropped_cleared, delivery);
            note_removed(1, delivery.publication.bytes());
            // The store has the removal only after the next commit, so the rows behind a begun delivery have a gap.
            has_gaps_ = has_gaps_ || (delivery.is_stored && !begun.empty());
            if (rules_ != nullptr) note_left(delivery);
            discard(delivery);
        }
        state = next();
    }
    cleared.is_done = state == Next::nothing || (state == Next::loaded && pending_.front().row > until) ||
                      (state == Next::after_commit && services_.journal.is_failed());
    const std::size_t others = pending_.loaded();
    for (Delivery& delivery : begun) enqueue_loaded(std::move(delivery));
    if (!begun.empty()) pending_.move_to_back(others);
    if (cleared.messages > 0) note_losses(&QueueLosses::cleared, cleared.messages);
    shrink();
    return cleared;
}

void SessionQueue::shrink() {
    inflight_.shrink();
    pending_.shrink();
    count_slots();
}

}  // namespace ledge::session
