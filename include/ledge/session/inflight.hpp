// In-flight window: outbound QoS 1/2 messages of one session between PUBLISH and PUBACK / PUBCOMP, in the order they
// were first sent [MQTT-4.6.0-1]. Owned by the session; survives the connection.
#pragma once

#include <cstdint>

#include "ledge/base/ring.hpp"
#include "ledge/session/publication.hpp"

namespace ledge::session {

//            PUBACK        PUBREC ok      PUBREC error   PUBCOMP
// sent_qos1  done          protocol error protocol error protocol error
// sent_qos2  protocol err. released       done           protocol error
// released   protocol err. PUBREL again   PUBREL again   done
// (unknown)  ignored       PUBREL 0x92    ignored        ignored
enum class OutState : std::uint8_t {
    done,       // a hole: acknowledged out of order, or never used
    sent_qos1,  // PUBLISH sent, PUBACK awaited
    sent_qos2,  // PUBLISH sent, PUBREC awaited
    released,   // PUBREL sent, PUBCOMP awaited
};

class Inflight {
public:
    struct Entry {
        Delivery delivery;  // its publication is let go once released
        OutState state = OutState::done;
        bool is_counted = false;     // opened or sent again on the present connection
        bool is_repetition = false;  // was sent on an earlier connection
    };

    /// Unfinished exchanges.
    std::size_t size() const { return unfinished_; }
    bool empty() const { return unfinished_ == 0; }
    /// Exchanges under way on the present connection: what Receive Maximum limits [MQTT-3.3.4-9].
    std::size_t counted() const { return counted_; }
    /// True while another exchange can be opened: packet ids are given in sequence, and one that stays unacknowledged
    /// may be overtaken by at most `overtaking_max` later ones.
    bool has_room() const { return entries_.size() < overtaking_max; }

    /// Opens an exchange and counts it; returns its packet id. `is_sent`: its PUBLISH goes out at once; otherwise
    /// next_unsent will name it. Requires has_room(); is_sent requires !has_unsent().
    wire::PacketId open(Delivery delivery, bool is_sent);
    /// Puts back an exchange that the store remembers. In ascending order of first sending; false when the id does not
    /// fit behind the ones before.
    bool restore(wire::PacketId id, Delivery delivery, OutState state);
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
            if (entries_[i].state != OutState::done) f(id_at(i), entries_[i]);
    }

    void shrink() { entries_.shrink(); }
    /// Bytes of its slots, used or not.
    std::uint64_t memory() const { return entries_.capacity() * sizeof(Entry); }

    static constexpr std::size_t overtaking_max = 16'384;

private:
    static constexpr std::uint32_t ids = 65'535;
    wire::PacketId id_at(std::size_t index) const {
        return static_cast<wire::PacketId>((first_id_ - 1U + index) % ids + 1U);
    }
    std::size_t index_of(wire::PacketId id) const { return (id + ids - first_id_) % ids; }

    Ring<Entry> entries_;         // contiguous packet ids, first_id_ at the front, never done at the front
    std::uint32_t first_id_ = 1;  // of the front; of the next exchange when empty
    std::uint32_t unfinished_ = 0;
    std::uint32_t counted_ = 0;
    std::uint32_t next_unsent_ = 0;  // index: what stands before it is done or sent on the present connection
};

}  // namespace ledge::session
