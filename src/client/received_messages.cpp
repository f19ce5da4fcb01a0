// The states of inbound messages of QoS 1 and 2, and the order of their answers.
#include "ledge/client/received_messages.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::client {

ReceivedMessages::Arrival ReceivedMessages::on_publish(wire::PacketId id, wire::QoS qos, bool is_open) {
    LEDGE_ASSERT(id != 0 && qos != wire::QoS::at_most_once);
    if (qos == wire::QoS::at_least_once) {
        if (handed_over_.contains(id)) return Arrival::in_use;
        if (is_open) return find(qos1_, id) != nullptr ? Arrival::repeated : Arrival::in_use;
        qos1_.push_back({id});
        return Arrival::fresh;
    }
    if (is_open && find(qos1_, id) != nullptr) return Arrival::in_use;
    if (handed_over_.insert(id)) {
        qos2_.push_back({id});
        return Arrival::fresh;
    }
    // [MQTT-4.3.3-10] The application already has this message. If it has accepted the message, PUBREC is sent now;
    // otherwise PUBREC is sent when the application answers.
    if (!is_open || find(qos2_, id) == nullptr) qos2_.push_back({id, answered_.contains(id)});
    return Arrival::repeated;
}

bool ReceivedMessages::answer(wire::PacketId id, wire::ReasonCode code) {
    for (Ring<Unanswered>* const queue : {&qos1_, &qos2_}) {
        Unanswered* const found = find(*queue, id);
        if (found == nullptr || found->is_answered) continue;
        found->is_answered = true;
        found->code = code;
        return true;
    }
    // A message of QoS 2 whose PUBLISH has not been repeated on this connection yet. One bit can remember an
    // acceptance but not a refusal. So a refused message is forgotten; the server repeats it, and it is handed over
    // again.
    if (!handed_over_.contains(id) || answered_.contains(id) || find(qos2_, id) != nullptr) return false;
    if (wire::is_error(code))
        handed_over_.erase(id);
    else
        answered_.insert(id);
    return true;
}

std::optional<wire::Ack> ReceivedMessages::next_answer() {
    if (!qos1_.empty() && qos1_.front().is_answered) {
        const Unanswered next = qos1_.pop_front();
        return wire::Ack{wire::PacketType::puback, next.id, next.code, {}};
    }
    if (qos2_.empty() || !qos2_.front().is_answered) return std::nullopt;
    const Unanswered next = qos2_.pop_front();
    if (wire::is_error(next.code))
        handed_over_.erase(next.id);  // [MQTT-4.3.3-9] from now on the id means a new message
    else
        answered_.insert(next.id);
    return wire::Ack{wire::PacketType::pubrec, next.id, next.code, {}};
}

ReceivedMessages::Release ReceivedMessages::on_pubrel(wire::PacketId id) {
    if (!handed_over_.contains(id)) return Release::unknown;
    if (!answered_.erase(id)) return Release::unanswered;
    handed_over_.erase(id);
    return Release::done;
}

void ReceivedMessages::end_connection() {
    // An answer that was waiting for its turn still counts after the connection.
    for (std::size_t i = 0; i < qos2_.size(); ++i) {
        if (!qos2_[i].is_answered) continue;
        if (wire::is_error(qos2_[i].code))
            handed_over_.erase(qos2_[i].id);
        else
            answered_.insert(qos2_[i].id);
    }
    qos1_.clear();
    qos2_.clear();
}

void ReceivedMessages::clear() {
    qos1_.clear();
    qos2_.clear();
    handed_over_.clear();
    answered_.clear();
}

ReceivedMessages::Unanswered* ReceivedMessages::find(Ring<Unanswered>& queue, wire::PacketId id) {
    for (std::size_t i = 0; i < queue.size(); ++i)
        if (queue[i].id == id) return &queue[i];
    return nullptr;
}

}  // namespace ledge::client
