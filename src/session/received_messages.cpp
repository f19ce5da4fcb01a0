#include "ledge/session/received_messages.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"

namespace ledge::session {

[[gnu::hot]] Ticket ReceivedMessages::put_record(SessionNumber session, wire::PacketId id, journal::Urgency urgency) {
    LEDGE_ASSERT(id != 0);
    if (session == no_session) return no_ticket;
    if (unwritten_ == nullptr) unwritten_ = std::make_unique<UnwrittenIds>();
    if (!journal_.is_pending(last_ticket_)) unwritten_->clear();  // a batch has taken all of them
    const Ticket ticket = journal_.put(journal::RecordKind::received, session, id, {}, urgency);
    if (ticket == never_durable) return ticket;
    last_ticket_ = (*unwritten_)[id] = ticket;
    return ticket;
}

Ticket ReceivedMessages::take_unwritten(wire::PacketId id) {
    if (unwritten_ == nullptr) return no_ticket;
    const auto found = unwritten_->find(id);
    if (found == unwritten_->end()) return no_ticket;
    const Ticket ticket = found->second;
    unwritten_->erase(found);
    return ticket;
}

[[gnu::hot]] Ticket ReceivedMessages::drop_record(SessionNumber session, wire::PacketId id) {
    if (session == no_session) return no_ticket;
    const Ticket unwritten = take_unwritten(id);
    if (!journal_.is_pending(unwritten))
        return journal_.drop(journal::RecordKind::received, session, id, journal::Urgency::now);
    // [MQTT-4.3.3-6] After PUBREL the client never repeats the PUBLISH, so no crash can let it through twice.
    journal_.withdraw(unwritten);
    return no_ticket;
}

void ReceivedMessages::clear(SessionNumber session) {
    for (const wire::PacketId id : ids_.all()) drop_record(session, id);
    ids_.clear();
}

}  // namespace ledge::session
