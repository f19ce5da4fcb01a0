// PUBLISH from the server, and the answers to it.
#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PropertyId;
using wire::QoS;

Event Client::on_publish(Bytes frame) {
    auto decoded = wire::decode_publish(frame, options_.version);
    if (!decoded) return fail(Fault::undecodable, decoded.error().rule);
    wire::Publish& packet = *decoded;
    if (const Fault fault = resolve_alias(packet); fault != Fault::none) return fail(fault);
    if (packet.qos == QoS::at_most_once) return Message{packet};
    if (is_kept()) return receive_kept(packet);
    window_in_.open(packet.packet_id);
    if (window_in_.is_exceeded()) return fail(Fault::receive_maximum_exceeded);
    return Message{packet};
}

Fault Client::resolve_alias(wire::Publish& packet) {
    const auto alias = packet.properties.number(PropertyId::topic_alias);
    if (!alias) return Fault::none;
    if (!aliases_in_.is_in_range(*alias)) return Fault::alias_above_maximum;
    if (!packet.topic.empty()) aliases_in_.set(*alias, packet.topic);
    packet.topic = aliases_in_.topic_of(*alias);
    if (packet.topic.empty()) return Fault::alias_unknown;
    // The alias means something on this connection only, so a relay must not see it.
    without_alias_.clear();
    for (auto property = packet.properties.begin(); property != packet.properties.end(); ++property) {
        if (property->id == PropertyId::topic_alias) continue;
        without_alias_.raw(property.raw(), std::uint64_t{1} << static_cast<unsigned>(property->id));
    }
    packet.properties = without_alias_.view();
    return Fault::none;
}

Event Client::receive_kept(const wire::Publish& packet) {
    const bool is_open = !window_in_.open(packet.packet_id);
    // [MQTT-4.4.0-1] forbids repetitions on one connection. Servers of 3.1.1 exist that repeat after a while.
    if (is_open && (is_v5() || !packet.dup)) return fail(Fault::packet_id_in_use);
    if (window_in_.is_exceeded()) return fail(Fault::receive_maximum_exceeded);
    const auto arrival = received_.on_publish(packet.packet_id, packet.qos, is_open);
    if (arrival == ReceivedMessages::Arrival::in_use) return fail(Fault::packet_id_in_use);
    if (arrival == ReceivedMessages::Arrival::fresh) return Message{packet};
    send_answers();
    return Nothing{};
}

bool Client::acknowledge(PacketId packet_id, ReasonCode code) {
    LEDGE_ASSERT(is_kept());
    if (!received_.answer(packet_id, code)) return false;
    if (is_connected()) send_answers();
    return true;
}

void Client::send_answers() {
    while (const auto ack = received_.next_answer()) {
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
    wire::Ack fitting = packet;
    if (wire::encoded_size(packet, options_.version) > limits_.maximum_packet_size) fitting.properties = {};
    append(fitting);
    return true;
}

}  // namespace ledge::client
