// Messages from the broker to the device, and the device's answers.
//
//     idle ──► registering ──REGACK──► publishing ──PUBACK──► idle
//       └───── topic is known ────────────┘ └─PUBREC─► recorded ─broker's PUBREL─► released ──PUBCOMP──► idle
// A message of QoS 0 is sent in `publishing` and returns to idle at once.
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/endpoint.hpp"

namespace ledge::mqttsn {

using wire::PacketType;
using wire::ReasonCode;

// ---------------------------------------------------------------------------------------------------------------------
// From the broker

void Endpoint::take_message(const wire::Publish& packet) {
    const std::size_t size = packet.topic.size() + packet.payload.size();
    const std::size_t cost = size + sizeof(OutMessage);
    // Receive Maximum 1: at most one message of QoS 1 or 2 is not answered. Those of QoS 0 have no such limit.
    if (packet.qos == wire::QoS::at_most_once && waiting_bytes_ + cost > services_.options.waiting_bytes_max) {
        ++services_.counters.qos0_dropped;
        return;
    }
    OutMessage message;
    message.text.reserve(size);
    message.text = packet.topic;
    message.text += as_text(packet.payload);
    message.topic_size = static_cast<std::uint16_t>(packet.topic.size());
    message.id = packet.packet_id;
    message.qos = packet.qos;
    message.retain = packet.retain;
    message.dup = packet.dup;
    waiting_bytes_ += message.cost();
    waiting_.push_back(std::move(message));
}

void Endpoint::on_broker_pubrel(MessageId id) {
    if (out_.step == OutStep::recorded && out_.message.id == id) {
        out_.step = OutStep::released;
        return;  // serve() sends it
    }
    OutMessage release;  // the exchange of an earlier connection
    release.is_release = true;
    release.id = id;
    release.qos = wire::QoS::exactly_once;
    waiting_bytes_ += release.cost();
    waiting_.push_back(std::move(release));
}

/// Sends what may be sent now: one message at a time.
void Endpoint::serve(Moment at) {
    if (!inner_.is_up() || !is_window_open()) return;
    if (out_.step == OutStep::released && retry_at_ == never) send_pubrel(at);
    while (out_.step == OutStep::idle && !waiting_.empty()) {
        out_ = {};
        out_.message = waiting_.pop_front();
        waiting_bytes_ -= out_.message.cost();
        if (waiting_.empty()) waiting_.clear();
        needs_pause_ = out_.message.qos == wire::QoS::exactly_once;
        if (out_.message.is_release) {
            out_.step = OutStep::released;
            send_pubrel(at);
        } else {
            begin_message(at);
        }
    }
    continue_awake(at);
}

// ---------------------------------------------------------------------------------------------------------------------
// To the device

/// Registers the topic of out_ if the device has no id for it, and publishes otherwise.
void Endpoint::begin_message(Moment at) {
    switch (choose_topic(at)) {
        case TopicChoice::known: return send_publish(at);
        case TopicChoice::unregistered: return send_register(at);
        case TopicChoice::left_out: return;
    }
}

/// Chooses the topic id of out_, or leaves the message out (rules 8 and 12).
Endpoint::TopicChoice Endpoint::choose_topic(Moment at) {
    const std::string_view topic = out_.message.topic();
    const std::size_t room = at.peer.room(services_.options.packet_bytes_max);
    const auto size_of = [](const Message& message) { return encoded_size(message); };
    if (size_of(Publish{.data = out_.message.payload()}) > room) return skip_oversize();
    TopicTable::Entry* entry = topics_.find(topic);
    if (entry == nullptr && topic.size() == 2) {  // no id is needed
        out_.type = TopicIdType::short_name;
        out_.topic_id = short_id_of(topic);
        return TopicChoice::known;
    }
    if (entry == nullptr || (entry->type == TopicIdType::normal && !entry->is_known)) {
        if (size_of(Register{1, 1, topic}) > room) return skip_oversize();
    }
    if (entry == nullptr) entry = topics_.add(topic, services_.options.topics_max);
    if (entry == nullptr && topics_.is_used_up()) {
        start_over(at);
        return TopicChoice::left_out;
    }
    if (entry == nullptr || entry->is_refused) return skip_refused();
    out_.type = entry->type;
    out_.topic_id = entry->id;
    const bool is_unknown = entry->type == TopicIdType::normal && !entry->is_known;
    return is_unknown ? TopicChoice::unregistered : TopicChoice::known;
}

void Endpoint::send_register(Moment at) {
    out_.step = OutStep::registering;
    if (++last_register_id_ == 0) last_register_id_ = 1;
    out_.register_id = last_register_id_;
    resend(at);
}

void Endpoint::send_publish(Moment at) {
    const bool is_answered = out_.message.qos != wire::QoS::at_most_once;
    out_.step = OutStep::publishing;
    Publish message;
    message.dup = is_answered && (out_.was_sent || out_.message.dup);
    message.qos = static_cast<QoS>(out_.message.qos);
    message.retain = out_.message.retain;
    message.type = out_.type;
    message.topic_id = out_.topic_id;
    message.message_id = out_.message.id;
    message.data = out_.message.payload();
    at.peer.send(message);
    if (!std::exchange(out_.was_sent, true)) ++services_.counters.messages_out;
    retry_at_ = is_answered ? at.now + services_.options.retry_interval : never;
    if (!is_answered) out_ = {};
}

void Endpoint::send_pubrel(Moment at) {
    retry_at_ = at.now + services_.options.retry_interval;
    at.peer.send(Answer{MessageType::pubrel, out_.message.id});
}

/// Sends the packet of the present step, again or for the first time after a sleep.
void Endpoint::resend(Moment at) {
    if (out_.step == OutStep::publishing) return send_publish(at);
    if (out_.step == OutStep::released) return send_pubrel(at);
    if (out_.step != OutStep::registering) return;
    retry_at_ = at.now + services_.options.retry_interval;
    at.peer.send(Register{out_.topic_id, out_.register_id, out_.message.topic()});
}

/// The device never gets this message. The broker is told, so that the next one follows.
void Endpoint::skip() {
    const bool is_qos1 = out_.message.qos == wire::QoS::at_least_once;
    if (out_.message.qos != wire::QoS::at_most_once)
        inner_.client().send_ack({is_qos1 ? PacketType::puback : PacketType::pubrec,
                                  out_.message.id,
                                  ReasonCode::implementation_specific_error,
                                  {}});
    out_ = {};
    retry_at_ = never;
}

Endpoint::TopicChoice Endpoint::skip_oversize() {
    ++services_.counters.oversize;
    services_.events.tell_once(GatewayEvent::Kind::oversize, client_id_, out_.message.topic());
    skip();
    return TopicChoice::left_out;
}

Endpoint::TopicChoice Endpoint::skip_refused() {
    ++services_.counters.topic_refused;
    skip();
    return TopicChoice::left_out;
}

void Endpoint::finish_message(Moment at) {
    out_ = {};
    retry_at_ = never;
    serve(at);
}

// ---------------------------------------------------------------------------------------------------------------------
// The device's answers

void Endpoint::on_puback(const Puback& message, Moment at) {
    if (message.code == ReturnCode::invalid_topic_id) return on_invalid_topic_id(message, at);
    if (out_.step != OutStep::publishing || out_.message.id != message.message_id) return;  // a late copy
    if (message.code == ReturnCode::congestion) return postpone(at);
    if (message.code == ReturnCode::not_supported) {
        skip_refused();
        return serve(at);
    }
    if (out_.message.qos != wire::QoS::at_least_once) return;  // PUBREC is the answer
    inner_.client().send_ack({PacketType::puback, out_.message.id, ReasonCode::success, {}});
    finish_message(at);
}

/// The device has no room. A sleeper that is awake gets its PINGRESP at once: it must not wait with its receiver on.
void Endpoint::postpone(Moment at) {
    out_.retries = 0;
    if (state_ == State::awake) return fall_asleep(at);
    retry_at_ = at.now + services_.options.congestion_wait;
}

/// Rule 7: the device has forgotten the id. The topic is registered again, and the message sent again.
void Endpoint::on_invalid_topic_id(const Puback& message, Moment at) {
    TopicTable::Entry* const entry = topics_.find_id(message.topic_id);
    const bool is_current = out_.step == OutStep::publishing && out_.message.id == message.message_id;
    const bool is_normal = !is_current || out_.type == TopicIdType::normal;
    if (entry != nullptr && is_normal) entry->is_known = false;
    if (!is_current) return;
    if (!is_normal) {  // both sides should have this id; there is no other way to publish to it
        skip_refused();
        return serve(at);
    }
    if (++out_.registrations > services_.options.retries_max) {
        refuse_topic();
        return serve(at);
    }
    if (!is_window_open()) return;  // the device has fallen asleep; begin_message() follows when it wakes
    begin_message(at);
    serve(at);
}

void Endpoint::on_answer(const Answer& message, Moment at) {
    const bool is_current = out_.step != OutStep::idle && out_.message.id == message.message_id;
    const bool is_qos2 = is_current && out_.message.qos == wire::QoS::exactly_once;
    if (message.type == MessageType::pubrel) return on_pubrel(message.message_id);
    if (message.type == MessageType::pubrec && is_qos2 && out_.step == OutStep::publishing) {
        out_.step = OutStep::recorded;
        out_.retries = 0;
        retry_at_ = never;  // the broker is awaited now
        inner_.client().send_ack({PacketType::pubrec, out_.message.id, ReasonCode::success, {}});
    }
    if (message.type == MessageType::pubcomp && is_qos2 && out_.step == OutStep::released) {
        inner_.client().send_ack({PacketType::pubcomp, out_.message.id, ReasonCode::success, {}});
        finish_message(at);
    }
}

}  // namespace ledge::mqttsn
