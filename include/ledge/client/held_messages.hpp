// HeldMessages: the outbound messages of QoS 1 and 2, from publish() to their last acknowledgement, in the order of
// publish() [MQTT-4.6.0-1]. They are session state and so outlive the connection. Owned by Client.
//
// The table: for each state, what was sent on this connection, and what an answer or a new connection leads to.
//
//            sent on this       PUBACK       PUBREC ok    PUBREC error   PUBCOMP      new connection
//            connection                                                               with the session
// waiting    to be sent         fault        PUBREL 0x92  ignored        ignored      waiting
// sent_qos1  PUBLISH            done         fault        fault          ignored      waiting, with DUP
// sent_qos2  PUBLISH            fault        released     done           ignored      waiting, with DUP
// released   PUBREL, or to be   fault        PUBREL again PUBREL again   done         PUBREL to be sent
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

enum class HeldState : std::uint8_t {
    done,       // finished; the entry is removed when all older messages are finished
    waiting,    // PUBLISH not sent on this connection
    sent_qos1,  // PUBLISH sent, PUBACK awaited
    sent_qos2,  // PUBLISH sent, PUBREC awaited
    released,   // PUBREC received, PUBCOMP awaited; only the id is kept
};

class HeldMessages {
public:
    struct Entry {
        wire::PacketId id = 0;
        HeldState state = HeldState::done;
        wire::QoS qos = wire::QoS::at_least_once;
        bool retain = false;
        bool was_sent = false;              // on any connection of this session: the next PUBLISH carries DUP
        std::uint32_t topic_size = 0;       // bytes
        std::uint32_t properties_size = 0;  // bytes
        std::uint64_t seen = 0;             // of the properties, as in wire::Properties
        std::vector<Byte> bytes;            // topic, properties, payload

        /// The PUBLISH packet to be sent; its views borrow this entry.
        wire::Publish packet() const;
    };

    /// The number of messages that are not done.
    std::size_t size() const { return unfinished_; }
    /// Bytes of the topics, properties and payloads of these messages.
    std::size_t bytes() const { return bytes_; }

    /// Requires a packet id that no entry has, and QoS 1 or 2.
    void add(const wire::Publish& packet);
    /// The message with this id that is not done; nullptr: none. Searches from the oldest message on.
    Entry* find(wire::PacketId id);
    /// For PUBREC: drops the message and keeps its id. Requires HeldState::sent_qos2.
    void release(Entry& entry);
    /// Ends the exchange. Requires that the entry is not done. The entry may be removed, so references to it become
    /// invalid.
    void finish(Entry& entry);

    /// For a new connection, on which nothing has been sent. `is_resumed`: the server has kept the session, so
    /// messages that were sent before carry DUP.
    void begin_connection(bool is_resumed);
    /// The oldest message that must still be sent on this connection; nullptr: none.
    Entry* next_unsent();
    /// For the message of next_unsent(): it was sent, or is done.
    void skip_unsent() {
        LEDGE_ASSERT(next_unsent_ < entries_.size());
        ++next_unsent_;
    }
    /// The oldest message that is not done; nullptr: none.
    Entry* oldest();

    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < entries_.size(); ++i)
            if (entries_[i].state != HeldState::done) f(entries_[i]);
    }

private:
    Ring<Entry> entries_;  // the front is never done
    std::size_t next_unsent_ = 0;
    std::size_t unfinished_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace ledge::client
