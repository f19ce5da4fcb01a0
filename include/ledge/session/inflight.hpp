// In-flight window: outbound QoS 1/2 messages of one session between PUBLISH and PUBACK / PUBCOMP, in the order they
// were first sent [MQTT-4.6.0-1]. Owned by the session; survives the connection.
#pragma once

#include <cstdint>

#include "ledge/base/ring.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/session/delivery.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

class Inflight {
public:
    struct Entry {
        Delivery delivery;  // its publication is let go once released
        journal::OutState state = journal::OutState::done;
        bool is_counted = false;  // opened or sent again on the present connection
        /// The client may have seen its PUBLISH on an earlier connection: the next one carries DUP [MQTT-3.3.1-1].
        bool is_repetition() const { return delivery.sent != Sent::no; }
    };

    /// Unfinished exchanges.
    std::size_t size() const { return unfinished_; }
    bool empty() const { return unfinished_ == 0; }
    /// Exchanges under way on the present connection: what Receive Maximum limits [MQTT-3.3.4-9].
    std::size_t counted() const { return counted_; }
    /// True when an exchange with this packet id can be opened: the id lies behind all that are open, and the oldest
    /// of those is overtaken by fewer than `overtaking_max` ids.
    bool has_room(wire::PacketId id) const;

    /// Opens an exchange and counts it, in the state that the store remembers, or in that of a first PUBLISH.
    /// `is_sent`: its PUBLISH goes out at once; otherwise next_unsent will name it. Requires has_room(id); is_sent
    /// requires !has_unsent().
    void open(wire::PacketId id, Delivery&& delivery, bool is_sent);
    /// The packet id of the newest exchange; 0 when there is none.
    wire::PacketId last_id() const { return entries_.empty() ? wire::PacketId{0} : id_at(entries_.size() - 1); }
    /// The unfinished exchange with this id, or nullptr.
    Entry* find(wire::PacketId id);
    /// The same, if the client can have seen its PUBLISH: an answer to any other id is no answer.
    Entry* find_answerable(wire::PacketId id);
    /// PUBREC: keeps only the id. The publication's memory is let go.
    void release(Entry& entry);
    void finish(wire::PacketId id);

    /// The connection ended: nothing counts as sent any more.
    void mark_unsent();
    void count(Entry& entry);
    /// Some exchanges wait to be sent: again after a resume, or for a commit.
    bool has_unsent() const { return next_unsent_ < entries_.size(); }
    /// First exchange, in order, that waits to be sent; nullptr if none. `id` receives its packet id.
    Entry* next_unsent(wire::PacketId& id);
    /// That one was sent.
    void skip_unsent() { ++next_unsent_; }

    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < entries_.size(); ++i)
            if (entries_[i].state != journal::OutState::done) f(id_at(i), entries_[i]);
    }

    void shrink() { entries_.shrink(); }
    /// Bytes of its slots, used or not.
    std::uint64_t memory() const { return entries_.capacity() * sizeof(Entry); }

    static constexpr std::uint32_t ids = 65'535;  // 1 to 65535; 0 is none [MQTT-2.2.1-3]
    static constexpr std::size_t overtaking_max = inflight_ceiling;

private:
    wire::PacketId id_at(std::size_t index) const {
        return static_cast<wire::PacketId>((first_id_ - 1U + index) % ids + 1U);
    }
    std::size_t index_of(wire::PacketId id) const { return (id + ids - first_id_) % ids; }

    Ring<Entry> entries_;         // contiguous packet ids, first_id_ at the front, never done at the front
    std::uint32_t first_id_ = 1;  // of the front; without meaning when empty
    std::uint32_t unfinished_ = 0;
    std::uint32_t counted_ = 0;
    std::uint32_t next_unsent_ = 0;  // index: what stands before it is done or sent on the present connection
};

}  // namespace ledge::session
