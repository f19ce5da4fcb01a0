// PUBACK, PUBREC, PUBREL and PUBCOMP from the server. held_messages.hpp has the table of outbound exchanges.
#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PacketType;

Event Client::on_ack(Bytes frame) {
    const auto ack = wire::decode_ack(frame, options_.version);
    if (!ack) return fail(Fault::undecodable, ack.error().rule);
    if (breaks_problem_information(ack->properties)) return fail(Fault::problem_information);
    if (!is_kept()) return pass_on(*ack);
    if (ack->type == PacketType::puback) return on_puback(*ack);
    if (ack->type == PacketType::pubrec) return on_pubrec(*ack);
    if (ack->type == PacketType::pubrel) return on_pubrel(*ack);
    LEDGE_ASSERT(ack->type == PacketType::pubcomp);  // decode_ack() accepts no other type
    return on_pubcomp(*ack);
}

Event Client::pass_on(const wire::Ack& ack) {
    const bool is_refusal = ack.type == PacketType::pubrec && wire::is_error(ack.code);
    const bool was_open = window_out_.is_open(ack.packet_id);
    if (ack.type == PacketType::puback || ack.type == PacketType::pubcomp || is_refusal)
        window_out_.close(ack.packet_id);
    // A PUBACK needs a PUBLISH on the same connection. The other three packets may finish an exchange of an earlier
    // connection.
    if (ack.type == PacketType::puback && !was_open) return fail(Fault::puback_unknown);
    return AckPassedOn{ack};
}

Event Client::on_puback(const wire::Ack& ack) {
    HeldMessages::Entry* const entry = kept_->held.find(ack.packet_id);
    if (entry == nullptr || entry->state == HeldState::waiting) return fail(Fault::puback_unknown);
    if (entry->state != HeldState::sent_qos1) return fail(Fault::ack_of_other_qos);
    finish(*entry, ack.code);
    pump();
    return Nothing{};
}

Event Client::on_pubrec(const wire::Ack& ack) {
    HeldMessages::Entry* const entry = kept_->held.find(ack.packet_id);
    if (entry == nullptr || entry->state == HeldState::waiting) {
        // 5.0 section 3.6.2.1: the server remembers an exchange that the client does not know. PUBREL ends it.
        if (!wire::is_error(ack.code))
            append_ack(PacketType::pubrel, ack.packet_id, ReasonCode::packet_identifier_not_found);
        return Nothing{};
    }
    if (entry->state == HeldState::sent_qos1) return fail(Fault::ack_of_other_qos);
    if (entry->state == HeldState::sent_qos2 && wire::is_error(ack.code)) {
        finish(*entry, ack.code);  // [MQTT-4.4.0-2]
        pump();
        return Nothing{};
    }
    if (entry->state == HeldState::sent_qos2) kept_->held.release(*entry);
    append_ack(PacketType::pubrel, ack.packet_id);  // [MQTT-4.3.3-4]
    pump();
    return Nothing{};
}

Event Client::on_pubcomp(const wire::Ack& ack) {
    HeldMessages::Entry* const entry = kept_->held.find(ack.packet_id);
    // An unknown id: the packet answers a PUBREL 0x92 of this client.
    if (entry == nullptr || entry->state != HeldState::released) return Nothing{};
    // The code 0x92 is no error here: the server had finished the exchange before the resume and has forgotten it.
    finish(*entry, ReasonCode::success);
    pump();
    return Nothing{};
}

Event Client::on_pubrel(const wire::Ack& ack) {
    switch (kept_->received.on_pubrel(ack.packet_id)) {
        case ReceivedMessages::Release::unanswered: return fail(Fault::pubrel_before_pubrec);
        case ReceivedMessages::Release::done:
            window_in_.close(ack.packet_id);
            append_ack(PacketType::pubcomp, ack.packet_id);  // [MQTT-4.3.3-11]
            return Nothing{};
        case ReceivedMessages::Release::unknown:
            append_ack(PacketType::pubcomp, ack.packet_id, ReasonCode::packet_identifier_not_found);
            return Nothing{};
    }
    return Nothing{};
}

}  // namespace ledge::client
