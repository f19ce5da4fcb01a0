// In-flight window: the outbound QoS 1 and 2 messages of one session between PUBLISH and PUBACK or PUBCOMP, in the
// order in which they were first sent [MQTT-4.6.0-1]. Owned by the session, on the shard's thread; survives the
// connection.
#pragma once

#include <cstdint>

#include "ledge/base/ring.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/session/delivery.hpp"

namespace ledge::session {

class Inflight {
public:
    struct Entry {
        Delivery delivery;  // without its publication once the state is `released`
        journal::OutState state = journal::OutState::done;
        bool is_counted = false;  // opened or sent again on the present connection, so Receive Maximum counts it
        /// True when the client may have seen the PUBLISH on an earlier connection. The next PUBLISH then carries DUP
        /// [MQTT-3.3.1-1].
        bool is_repetition() const { return delivery.sent != Sent::no; }
    };

    /// Number of unfinished exchanges.
    std::size_t size() const { return unfinished_; }
    bool empty() const { return unfinished_ == 0; }
    /// Number of exchanges under way on the present connection. Receive Maximum limits this number [MQTT-3.3.4-9].
    std::size_t counted() const { return counted_; }
    /// True when an exchange with this packet id can be opened: the id comes after the ids of all open exchanges, and
    /// lies fewer than `overtaking_max` ids behind the oldest of them.
    bool has_room(wire::PacketId id) const;

    /// Opens an exchange and counts it. The exchange begins in the state that the store remembers, otherwise in the
    /// state of a first PUBLISH. `is_sent` = the caller sends the PUBLISH at once; otherwise next_unsent() returns the
    /// exchange later. Requires has_room(id), and !has_unsent() if `is_sent`.
    void open(wire::PacketId id, Delivery&& delivery, bool is_sent);
    /// The delivery of the oldest exchange; nullptr when there is none.
    const Delivery* oldest() const { return entries_.empty() ? nullptr : &entries_[0].delivery; }
    /// Bytes of the messages in memory: topics, properties and payloads. O(n).
    std::uint64_t message_bytes() const;
    /// The packet id of the newest exchange; 0 when there is none.
    wire::PacketId last_id() const { return entries_.empty() ? wire::PacketId{0} : id_at(entries_.size() - 1); }
    /// The unfinished exchange with this id, or nullptr.
    Entry* find(wire::PacketId id);
    /// As find(), but nullptr also when the client cannot have seen the PUBLISH. An acknowledgement of such an exchange
    /// has no meaning.
    Entry* find_answerable(wire::PacketId id);
    /// PUBREC has come: keeps only the packet id, and frees the publication.
    void release(Entry& entry);
    /// Ends the exchange. Requires that find(id) is not nullptr.
    void finish(wire::PacketId id);

    /// The connection has ended: every exchange waits to be sent on the next one, and none is counted.
    void mark_unsent();
    /// Counts the exchange as under way on the present connection.
    void count(Entry& entry);
    /// True when exchanges wait to be sent: once more after a resume, or for the first time after a commit.
    bool has_unsent() const { return next_unsent_ < entries_.size(); }
    /// The first exchange, in order, that waits to be sent; nullptr when there is none. `id` receives its packet id.
    Entry* next_unsent(wire::PacketId& id);
    /// The exchange that next_unsent() returned last was sent, or is left unsent on this connection.
    void skip_unsent() { ++next_unsent_; }

    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < entries_.size(); ++i)
            if (entries_[i].state != journal::OutState::done) f(id_at(i), entries_[i]);
    }

    void shrink() { entries_.shrink(); }
    /// Bytes of the slots, used or not.
    std::uint64_t memory() const { return entries_.capacity() * sizeof(Entry); }

    static constexpr std::uint32_t ids = 65'535;           // packet ids are 1 to 65,535; 0 = none [MQTT-2.2.1-3]
    static constexpr std::size_t overtaking_max = 16'384;  // as inflight_ceiling, the largest inflight_max

private:
    wire::PacketId id_at(std::size_t index) const {
        return static_cast<wire::PacketId>((first_id_ - 1U + index) % ids + 1U);
    }
    std::size_t index_of(wire::PacketId id) const { return (id + ids - first_id_) % ids; }

    Ring<Entry> entries_;         // one entry per packet id, without gaps; the front is never `done`
    std::uint32_t first_id_ = 1;  // packet id of the front; without meaning when entries_ is empty
    std::uint32_t unfinished_ = 0;
    std::uint32_t counted_ = 0;
    std::uint32_t next_unsent_ = 0;  // index; all entries before it are done, sent on this connection, or skipped
};

}  // namespace ledge::session
