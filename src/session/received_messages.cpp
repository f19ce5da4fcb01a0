#include "ledge/session/received_messages.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"

namespace ledge::session {

journal::Ticket ReceivedMessages::put_record(std::uint64_t session, wire::PacketId id, journal::Urgency urgency) {
    LEDGE_ASSERT(id != 0);
    if (session == 0) return 0;
    if (unwritten_ == nullptr) unwritten_ = std::make_unique<UnwrittenIds>();
    if (!journal_.is_pending(last_ticket_)) unwritten_->clear();  // a batch has taken all of them
    const journal::Ticket ticket = journal_.put(journal::RecordKind::received, session, id, {}, urgency);
    if (ticket == journal::never_durable) return ticket;
    last_ticket_ = (*unwritten_)[id] = ticket;
    return ticket;
}

journal::Ticket ReceivedMessages::take_unwritten(wire::PacketId id) {
    if (unwritten_ == nullptr) return 0;
    const auto found = unwritten_->find(id);
    if (found == unwritten_->end()) return 0;
    const journal::Ticket ticket = found->second;
    unwritten_->erase(found);
    return ticket;
}

journal::Ticket ReceivedMessages::drop_record(std::uint64_t session, wire::PacketId id) {
    if (session == 0) return 0;
    const journal::Ticket unwritten = take_unwritten(id);
    if (!journal_.is_pending(unwritten))
        return journal_.drop(journal::RecordKind::received, session, id, journal::Urgency::now);
    // [MQTT-4.3.3-6] After PUBREL the client never repeats the PUBLISH, so no crash can let it through twice.
    journal_.withdraw(unwritten);
    return 0;
}

void ReceivedMessages::clear(std::uint64_t session) {
    for (const wire::PacketId id : ids_.all()) drop_record(session, id);
    ids_.clear();
}

}  // namespace ledge::session
