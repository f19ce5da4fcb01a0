// PUBACK, PUBREC, PUBREL, PUBCOMP. The moves are the table in inflight.hpp.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::ReasonCode;

void Connection::on_ack(Bytes frame, Instant now) {
    const auto packet = wire::decode_ack(frame, version_);
    if (!packet.ok()) return close(packet.error(), wire::name_of(wire::type_of(frame)));
    if (packet->type == PacketType::pubrel) return on_pubrel(*packet);
    if (packet->type == PacketType::puback)
        on_puback(*packet);
    else if (packet->type == PacketType::pubrec)
        on_pubrec(*packet);
    else
        on_pubcomp(*packet);  // decode_ack knows no other type
    if (state_ == State::connected) pump(now);
}

void Connection::on_puback(const wire::Ack& packet) {
    Inflight::Entry* entry = session_->inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) return;  // late or repeated: nothing is owed any more
    if (entry->state != journal::OutState::sent_qos1)
        return close(ReasonCode::protocol_error, "PUBACK for a QoS 2 message");
    session_->finish_exchange(packet.packet_id);
}

void Connection::on_pubrec(const wire::Ack& packet) {
    Inflight::Entry* entry = session_->inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) {
        if (!wire::is_error(packet.code))
            send_ack(PacketType::pubrel, packet.packet_id, ReasonCode::packet_identifier_not_found);
        return;
    }
    if (entry->state == journal::OutState::sent_qos1)
        return close(ReasonCode::protocol_error, "PUBREC for a QoS 1 message");
    if (wire::is_error(packet.code) &&
        entry->state == journal::OutState::sent_qos2)  // [MQTT-4.3.3-3]: no PUBREL, the id is free
        return session_->finish_exchange(packet.packet_id);
    if (entry->state == journal::OutState::sent_qos2) {  // [MQTT-4.3.3-7]: never PUBLISH again, also after a crash
        session_->record_state(entry->delivery, journal::OutState::released, packet.packet_id);
        session_->inflight().release(*entry);
    }
    owe_ack(PacketType::pubrel, packet.packet_id, ReasonCode::success, entry->delivery.ticket);  // [MQTT-4.3.3-4]
}

void Connection::on_pubrel(const wire::Ack& packet) {
    const bool is_known = session_->received.erase(packet.packet_id);
    if (unreleased_ > 0) --unreleased_;
    // An unknown id may be one whose removal is still under way.
    const journal::Ticket removed = is_known ? session_->drop_received(packet.packet_id) : services_.journal.last();
    owe_ack(PacketType::pubcomp, packet.packet_id,
            is_known ? ReasonCode::success : ReasonCode::packet_identifier_not_found, removed);
}

void Connection::on_pubcomp(const wire::Ack& packet) {
    Inflight::Entry* entry = session_->inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) return;
    if (entry->state != journal::OutState::released) return close(ReasonCode::protocol_error, "PUBCOMP before PUBREL");
    session_->finish_exchange(packet.packet_id);
}

}  // namespace ledge::session
