// Messages from the device to the broker, and the broker's answers.
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/endpoint.hpp"

namespace ledge::mqttsn {

using wire::PacketType;
using wire::ReasonCode;

namespace {

/// The answer to a PUBLISH that the broker, or the client on its behalf, refuses.
ReturnCode return_code_of_publish(ReasonCode code) {
    if (!wire::is_error(code)) return ReturnCode::accepted;
    if (code == ReasonCode::topic_name_invalid) return ReturnCode::invalid_topic_id;
    const bool may_pass = code == ReasonCode::quota_exceeded || code == ReasonCode::receive_maximum_exceeded ||
                          code == ReasonCode::message_rate_too_high || code == ReasonCode::server_busy ||
                          code == ReasonCode::packet_identifier_in_use;
    return may_pass ? ReturnCode::congestion : ReturnCode::not_supported;
}

}  // namespace

std::uint32_t RecentExchanges::fingerprint_of(const Publish& packet) {
    // FNV-1a. Two different messages with the same id and fingerprint within seconds: one in four thousand million.
    std::uint32_t hash = 2'166'136'261U;
    const auto mix = [&](Byte byte) { hash = (hash ^ byte) * 16'777'619U; };
    mix(static_cast<Byte>(packet.type));
    mix(static_cast<Byte>(packet.topic_id >> 8U));
    mix(static_cast<Byte>(packet.topic_id & 0xFFU));
    mix(packet.retain ? 1 : 0);
    for (const Byte byte : packet.data) mix(byte);
    return hash;
}

void Endpoint::on_publish(const Publish& message, Moment at) {
    LEDGE_ASSERT(message.qos != QoS::without_connection);  // Gateway handles these
    const auto short_name = short_name_of(message.topic_id);
    std::string_view topic;
    switch (message.type) {
        case TopicIdType::normal: topic = topics_.name_of(message.topic_id); break;
        case TopicIdType::predefined: topic = services_.predefined.name_of(message.topic_id); break;
        case TopicIdType::short_name: topic = {short_name.data(), short_name.size()}; break;
    }
    if (topic.empty()) return refuse_publish(message.topic_id, message.message_id, ReturnCode::invalid_topic_id, at);
    if (message.qos != QoS::at_most_once && is_repetition(message, at)) return;
    pass_on(message, topic, at);
}

/// True = the message was handled: it is known already, or has to wait.
bool Endpoint::is_repetition(const Publish& message, Moment at) {
    const std::uint32_t fingerprint = RecentExchanges::fingerprint_of(message);
    // With another content the device has started again and counts from the beginning: that message must not vanish.
    const bool is_same = in_.id == message.message_id && in_.qos == message.qos && in_.fingerprint == fingerprint;
    if (in_.step != InStep::idle && is_same) {
        // PUBREC was lost. In the other steps the broker's answer is under way.
        if (in_.step == InStep::recorded) at.peer.send(Answer{MessageType::pubrec, message.message_id});
        ++services_.counters.duplicates;
        return true;
    }
    const Instant since = at.now - services_.options.retry_interval;
    const bool is_qos2 = message.qos == QoS::exactly_once;
    if (is_qos2 && recent_ && recent_->has(message.message_id, fingerprint, since)) {
        at.peer.send(Answer{MessageType::pubrec, message.message_id});
        ++services_.counters.duplicates;
        return true;
    }
    // Only one message of QoS 1 or 2 may be under way (MQTT-SN section 6.6). A device gives one up by CONNECT.
    if (in_.step != InStep::idle) {
        refuse_publish(message.topic_id, message.message_id, ReturnCode::congestion, at);
        return true;
    }
    return false;
}

/// Sends the message to the broker with the device's own id. The broker's answer comes to on_broker_ack().
void Endpoint::pass_on(const Publish& message, std::string_view topic, Moment at) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = message.data;
    packet.qos = static_cast<wire::QoS>(message.qos);
    packet.retain = message.retain;
    packet.dup = message.dup && message.qos != QoS::at_most_once;  // [MQTT-3.3.1-2]
    packet.packet_id = message.qos == QoS::at_most_once ? wire::PacketId{0} : message.message_id;
    const auto sent = inner_.client().publish(packet);
    if (!sent.ok())
        return refuse_publish(message.topic_id, message.message_id, return_code_of_publish(sent.error()), at);
    ++services_.counters.messages_in;
    if (message.qos == QoS::at_most_once) return;
    in_ = {InStep::sent, message.qos, message.message_id, message.topic_id, RecentExchanges::fingerprint_of(message)};
}

void Endpoint::refuse_publish(TopicId topic_id, MessageId id, ReturnCode code, Moment at) {
    if (code == ReturnCode::congestion) ++services_.counters.congested;
    at.peer.send(Puback{topic_id, id, code});
}

void Endpoint::on_pubrel(MessageId id) {
    const bool is_next = in_.step == InStep::recorded && in_.id == id;
    if (in_.step != InStep::idle && !is_next) {
        // PUBCOMP of the broker is under way, or this is a late copy of an exchange that is over.
        ++services_.counters.packets_unexpected;
        return;
    }
    // The exchange may have begun on an earlier connection: the broker knows it, or answers that it is over.
    if (!is_next) in_ = {InStep::released, QoS::exactly_once, id, 0, 0};
    in_.step = InStep::released;
    inner_.client().send_ack({PacketType::pubrel, id, ReasonCode::success, {}});
}

void Endpoint::on_broker_ack(const wire::Ack& ack, Moment at) {
    if (ack.type == PacketType::pubrel) return on_broker_pubrel(ack.packet_id);
    if (in_.step == InStep::idle || in_.id != ack.packet_id) return;  // of an exchange that the device has given up
    const bool is_refused = ack.type == PacketType::pubrec && wire::is_error(ack.code);
    if (ack.type == PacketType::puback || is_refused) {
        const ReturnCode code = return_code_of_publish(ack.code);
        if (code == ReturnCode::congestion) ++services_.counters.congested;
        at.peer.send(Puback{in_.topic_id, in_.id, code});
        in_ = {};
    } else if (ack.type == PacketType::pubrec) {
        in_.step = InStep::recorded;  // no timer: the device repeats PUBLISH until it has PUBREC
        at.peer.send(Answer{MessageType::pubrec, in_.id});
    } else {
        at.peer.send(Answer{MessageType::pubcomp, in_.id});
        if (!recent_) recent_ = std::make_unique<RecentExchanges>();
        if (in_.fingerprint != 0) recent_->add(in_.id, in_.fingerprint, at.now);
        in_ = {};
    }
}

}  // namespace ledge::mqttsn
