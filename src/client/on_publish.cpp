// PUBLISH from the server, and its answers.
#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PropertyId;
using wire::QoS;

namespace {

// Reads topic, QoS and packet id of a PUBLISH whose topic has a wildcard; wire::decode_publish refuses such a packet.
// Fields that the packet is too short for stay empty.
//   publish := 3:4 dup:1 qos:2 retain:1  remaining:variable  topic:prefixed  [packet_id:u16, QoS 1 and 2]  ...
wire::Publish beginning_of(Bytes frame) {
    wire::Publish packet;
    packet.qos = static_cast<QoS>(frame[0] >> 1U & 3U);
    packet.dup = (frame[0] & 8U) != 0;
    std::size_t at = 1;
    while ((frame[at] & 0x80U) != 0) ++at;  // the framer has checked that the length field ends
    ++at;
    const auto u16_at = [&](std::size_t place) {
        return static_cast<std::uint16_t>(place + 2 <= frame.size() ? frame[place] << 8U | frame[place + 1] : 0);
    };
    const std::size_t size = u16_at(at);
    if (at + 2 + size > frame.size()) return packet;
    packet.topic = as_text(frame.subspan(at + 2, size));
    if (packet.qos != QoS::at_most_once) packet.packet_id = u16_at(at + 2 + size);
    return packet;
}

}  // namespace

Event Client::on_publish(Bytes frame) {
    auto decoded = wire::decode_publish(frame, options_.version);
    const bool has_wildcard = !decoded && decoded.error().rule == wire::Rule::topic_wildcard;
    if (has_wildcard && options_.drops_wildcard_topics) return drop_message(frame);
    if (!decoded) return fail(Fault::undecodable, decoded.error().rule);
    wire::Publish& packet = *decoded;
    if (const Fault fault = resolve_alias(packet); fault != Fault::none) return fail(fault);
    return receive(packet);
}

Event Client::receive(const wire::Publish& packet) {
    if (packet.qos == QoS::at_most_once) return Message{packet};
    if (is_kept()) return receive_kept(packet);
    window_in_.open(packet.packet_id);
    if (window_in_.is_exceeded()) return fail(Fault::receive_maximum_exceeded);
    return Message{packet};
}

/// Acknowledges and drops a message whose topic has a wildcard. The rest of the packet, also a topic alias, is
/// ignored. In Flow::passed_on the application does not know the packet id, so it answers the later PUBREL with
/// PUBCOMP 0x92.
Event Client::drop_message(Bytes frame) {
    const wire::Publish packet = beginning_of(frame);
    if (packet.qos != QoS::at_most_once && packet.packet_id == 0)
        return fail(Fault::undecodable, wire::Rule::packet_id_zero);
    Event event = receive(packet);
    if (!std::holds_alternative<Message>(event)) return event;
    if (packet.qos != QoS::at_most_once) {
        const bool is_qos1 = packet.qos == QoS::at_least_once;
        if (is_kept())
            acknowledge(packet.packet_id);
        else
            send_ack({is_qos1 ? wire::PacketType::puback : wire::PacketType::pubrec, packet.packet_id, {}, {}});
    }
    return Dropped{packet.topic};
}

Fault Client::resolve_alias(wire::Publish& packet) {
    const auto alias = packet.properties.number(PropertyId::topic_alias);
    if (!alias) return Fault::none;
    if (!aliases_ || !aliases_->in.is_in_range(*alias)) return Fault::alias_above_maximum;
    if (!packet.topic.empty()) aliases_->in.set(*alias, packet.topic);
    packet.topic = aliases_->in.topic_of(*alias);
    if (packet.topic.empty()) return Fault::alias_unknown;
    // The alias has a meaning on this connection only, so a relay must not pass it on.
    aliases_->without_alias.clear();
    for (auto property = packet.properties.begin(); property != packet.properties.end(); ++property) {
        if (property->id == PropertyId::topic_alias) continue;
        aliases_->without_alias.raw(property.raw(), std::uint64_t{1} << static_cast<unsigned>(property->id));
    }
    packet.properties = aliases_->without_alias.view();
    return Fault::none;
}

Event Client::receive_kept(const wire::Publish& packet) {
    LEDGE_ASSERT(packet.qos != QoS::at_most_once);
    const bool is_open = !window_in_.open(packet.packet_id);
    // [MQTT-4.4.0-1] forbids repetitions on one connection. Some servers of 3.1.1 repeat a PUBLISH after a while.
    if (is_open && (is_v5() || !packet.dup)) return fail(Fault::packet_id_in_use);
    if (window_in_.is_exceeded()) return fail(Fault::receive_maximum_exceeded);
    const auto arrival = kept_->received.on_publish(packet.packet_id, packet.qos, is_open);
    if (arrival == ReceivedMessages::Arrival::in_use) return fail(Fault::packet_id_in_use);
    if (arrival == ReceivedMessages::Arrival::fresh) return Message{packet};
    send_answers();
    return Nothing{};
}

bool Client::acknowledge(PacketId packet_id, ReasonCode code) {
    LEDGE_ASSERT(is_kept());
    if (!kept_->received.answer(packet_id, code)) return false;
    if (is_connected()) send_answers();
    return true;
}

void Client::send_answers() {
    while (const auto ack = kept_->received.next_answer()) {
        const bool is_last = ack->type == wire::PacketType::puback || wire::is_error(ack->code);
        if (is_last) window_in_.close(ack->packet_id);
        append(*ack);
    }
}

bool Client::send_ack(const wire::Ack& packet) {
    LEDGE_ASSERT(!is_kept() && packet.packet_id != 0);
    if (!is_connected()) return false;
    const bool is_refusal = packet.type == wire::PacketType::pubrec && wire::is_error(packet.code);
    if (packet.type == wire::PacketType::puback || packet.type == wire::PacketType::pubcomp || is_refusal)
        window_in_.close(packet.packet_id);
    // Properties are optional, so a packet that is too large for the server is sent without them.
    wire::Ack fitting = packet;
    if (wire::encoded_size(packet, options_.version) > limits_.maximum_packet_size) fitting.properties = {};
    append(fitting);
    return true;
}

}  // namespace ledge::client
