// ReceivedMessages: the receiver's half of exactly once. The packet ids of inbound QoS 2 messages between PUBLISH and
// PUBREL [MQTT-4.3.3-9], in memory and in the store. Part of a Session, on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>

#include "ledge/base/ids.hpp"
#include "ledge/session/received_ids.hpp"

namespace ledge::journal {
class Journal;
enum class Urgency : std::uint8_t;
}  // namespace ledge::journal

namespace ledge::session {

class ReceivedMessages {
public:
    explicit ReceivedMessages(journal::Journal& journal) : journal_(journal) {}

    bool contains(wire::PacketId id) const { return ids_.contains(id); }
    /// The message was routed. False when the packet id was there already.
    bool insert(wire::PacketId id) { return ids_.insert(id); }
    /// Forgets a packet id in memory only. False when it was not there.
    bool erase(wire::PacketId id) { return ids_.erase(id); }
    std::size_t size() const { return ids_.size(); }

    /// Writes the record of a packet id for session number `session`; no_session = the session has no record, and
    /// nothing is written. Returns the ticket that the forwarding of the message waits for; never_durable when the
    /// journal refuses the record.
    Ticket put_record(SessionNumber session, wire::PacketId id, journal::Urgency urgency);
    /// PUBREL: the packet id is free again. Returns the ticket that PUBCOMP waits for; no_ticket when the store has
    /// never had the record, because PUBREL came before the commit. The message, if it waits for that record, may leave
    /// then.
    Ticket drop_record(SessionNumber session, wire::PacketId id);
    /// Forgets all packet ids, in memory and in the store.
    void clear(SessionNumber session);

    /// When this ticket is durable, so are the records of all packet ids.
    Ticket last_ticket() const { return last_ticket_; }
    /// The store has failed, and no packet id is left whose record is in doubt.
    void forget_tickets() { last_ticket_ = no_ticket; }

private:
    Ticket take_unwritten(wire::PacketId id);

    journal::Journal& journal_;
    ReceivedIds ids_;
    Ticket last_ticket_ = no_ticket;
    using UnwrittenIds = boost::unordered_flat_map<wire::PacketId, Ticket>;
    std::unique_ptr<UnwrittenIds> unwritten_;  // packet ids whose records no batch may have taken yet
};

}  // namespace ledge::session
