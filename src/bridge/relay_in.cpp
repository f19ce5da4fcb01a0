// Messages of the upstream to the local broker, and the answers to them. The table of relay_out.cpp holds here too,
// with the sides exchanged. A message is acknowledged to the upstream only after the local broker has acknowledged it.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/marks.hpp"
#include "ledge/bridge/relay.hpp"
#include "ledge/topic/name.hpp"
#include "temporary.hpp"

namespace ledge::bridge {

using wire::PacketId;
using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

void Relay::on_upstream_message(const wire::Publish& packet, Instant now) {
    if (is_repeated(packet, incoming_, last_in_id_)) return;
    if (pass_in(packet, now) == Passed::waits) keep_waiting(waiting_in_, packet, now);
}

/// True if an exchange with the packet id is open. NATS repeats on a live connection what was not acknowledged for
/// 30 s, but one exchange gets one acknowledgement. Otherwise the id becomes `last_id`. QoS 0 is never a repetition.
bool Relay::is_repeated(const wire::Publish& packet, Exchanges& exchanges, PacketId& last_id) {
    if (packet.qos == QoS::at_most_once) return false;
    if (exchanges.find(packet.packet_id) != nullptr) {
        ++counters_.repeated;
        return true;
    }
    last_id = packet.packet_id;
    return false;
}

Relay::Passed Relay::pass_in(const wire::Publish& packet, Instant now) {
    if (packet.topic.starts_with("ActiveMQ/Advisory/")) upstream_.on_strange_topic(packet.topic);
    const std::string_view noise = upstream_.profile().noise_filter;  // of the kind that was recognised just now
    const bool is_noise = !noise.empty() && topic::matches(noise, packet.topic);
    const Route* const route = is_noise ? nullptr : routes_.incoming(packet.topic, mapped_);
    if (route == nullptr) {
        // A merged filter brings more than the routes want; RabbitMQ and NATS let wildcards match '$' topics. Such a
        // message is acknowledged, or it would come for ever.
        ++counters_.no_route;
        settle_in(packet.packet_id, packet.qos, ReasonCode::success);
        return Passed::yes;
    }
    if (is_returning(packet, *route, now)) {
        settle_in(packet.packet_id, packet.qos, ReasonCode::success);
        return Passed::yes;
    }
    return send_in(packet, *route, now);
}

/// Before the marks, which would take such a message for a loop and log it.
bool Relay::is_echo_of_lane(const wire::Publish& packet, Instant now) {
    return options_.lane_echoes != nullptr &&
           options_.lane_echoes->is_echo(fingerprint_of(packet.topic, packet.payload), now);
}

/// A message that has left from here: the echo of this bridge, or the end of a ring of bridges.
bool Relay::is_returning(const wire::Publish& packet, const Route& route, Instant now) {
    if (route.direction == Direction::both && is_echo_of_lane(packet, now)) {
        ++counters_.echoes;
        return true;
    }
    const Marks marks = marks_of(packet.properties);
    const bool is_own = marks.hops > 0 && !marks.origin.empty() && marks.origin == options_.own_id;
    // A service may copy the user properties of a request into its answer. The answer has passed one bridge only, and
    // its topic is none that this bridge sends to.
    const bool is_answer = marks.hops == 1 && !routes_.may_have_sent(packet.topic);
    if (marks.hops >= options_.hops_max || (is_own && !is_answer)) {
        ++counters_.loops;
        tell(RelayEvent::Kind::loop_cut, packet.topic);
        return true;
    }
    if (route.direction != Direction::both || upstream_.suppresses_echo()) return false;
    if (!echoes_.is_echo(fingerprint_of(packet.topic, packet.payload), now)) return false;
    ++counters_.echoes;
    return true;
}

wire::Publish Relay::prepare_in(const wire::Publish& source, const Route& route) {
    wire::Publish in = source;
    in.topic = mapped_;
    in.qos = std::min(source.qos, route.qos);
    if (in.qos == QoS::at_most_once) {
        in.packet_id = 0;
        in.dup = false;
    }
    in.retain = source.retain && route.retain == RetainRule::keep && in_.limits().retain_available;
    response_.clear();
    if (const auto topic = source.properties.text(PropertyId::response_topic)) {
        if (!routes_.response_topic_in(*topic, response_)) response_.clear();
    }
    carry_properties(source.properties, {is_marked(route, source.properties), options_.own_id, response_, waited_s_},
                     carried_);
    in.properties = carried_.view();
    return in;
}

Relay::Passed Relay::send_in(const wire::Publish& source, const Route& route, Instant now) {
    if (wire::encoded_size(source, up_.options().version) > options_.packet_bytes_max) {
        count_drop(&RelayCounters::dropped_incoming);
        tell(RelayEvent::Kind::dropped, source.topic, ReasonCode::packet_too_large);
        settle_in(source.packet_id, source.qos, ReasonCode::packet_too_large);
        return Passed::yes;
    }
    const wire::Publish in = prepare_in(source, route);
    const auto sent = in_.publish(in);
    if (!sent.ok()) {
        const ReasonCode why = sent.error();
        if (why == ReasonCode::server_unavailable) return Passed::yes;  // closed: the upstream repeats the message
        const bool is_full = why == ReasonCode::quota_exceeded || why == ReasonCode::receive_maximum_exceeded ||
                             why == ReasonCode::packet_identifier_in_use;
        if (is_full) return Passed::waits;  // the upstream is not read meanwhile, not even for QoS 0
        count_drop(&RelayCounters::dropped_incoming);
        tell(RelayEvent::Kind::dropped, source.topic, why);
        settle_in(source.packet_id, source.qos, why);
        return Passed::yes;
    }
    ++counters_.in;
    if (source.qos == QoS::at_most_once) return Passed::yes;
    if (in.qos == QoS::at_most_once) {
        settle_in(source.packet_id, source.qos, ReasonCode::success);
        return Passed::yes;
    }
    if (in.qos == QoS::exactly_once) open_in_.insert(source.packet_id);
    incoming_.add({source.packet_id, ExchangeState::passed_on, source.qos, in.qos, 0, std::string(in.topic), now});
    return Passed::yes;
}

// ---------------------------------------------------------------------------------------------------------------------
// Answers

void Relay::on_inner_ack(const wire::Ack& packet, Instant now) {
    const PacketId id = packet.packet_id;
    if (packet.type == PacketType::pubrel) return on_inner_pubrel(packet);
    if (packet.type == PacketType::puback && on_dead_letter_ack(packet, now)) return;
    Exchange* const exchange = incoming_.find(id);
    if (packet.type != PacketType::pubcomp) {
        if (exchange != nullptr && exchange->state == ExchangeState::passed_on) on_inner_answer(packet, *exchange, now);
        return;
    }
    if (washing_.erase(id)) {
        if (stage_ == Stage::washing) continue_washing(now);
        return;
    }
    const bool is_end = exchange != nullptr && exchange->state == ExchangeState::received;
    if (!is_end && !released_in_.erase(id)) return;
    open_in_.erase(id);
    up_.send_ack(packet);
    ++counters_.in_done;
    if (is_end) incoming_.erase(id);
}

void Relay::on_inner_answer(const wire::Ack& packet, Exchange& exchange, Instant now) {
    if (is_temporary(packet.code))
        return end(RetryClass::network,
                   "the local broker accepts no message now: " + std::string(wire::name_of(packet.code)), now,
                   packet.code);
    if (wire::is_error(packet.code)) {
        ++counters_.refused;
        ++counters_.refused_here;
        tell(RelayEvent::Kind::refused_locally, exchange.topic, packet.code);
        open_in_.erase(exchange.id);
        return settle_in(exchange.id, exchange.source_qos, packet.code);
    }
    if (exchange.source_qos != exchange.target_qos)
        return settle_in(exchange.id, exchange.source_qos, ReasonCode::success);
    up_.send_ack(packet);
    if (packet.type == PacketType::pubrec) {
        exchange.state = ExchangeState::received;
        return;
    }
    ++counters_.in_done;
    incoming_.erase(exchange.id);
}

void Relay::on_upstream_pubrel(const wire::Ack& packet, Instant now) {
    const PacketId id = packet.packet_id;
    last_in_id_ = id;
    Exchange* const exchange = incoming_.find(id);
    if (exchange == nullptr) {
        // The exchange began on an earlier connection. The local broker knows the id, or answers that it does not.
        released_in_.insert(id);
        in_.send_ack(packet);
        return;
    }
    switch (exchange->state) {
        case ExchangeState::received: in_.send_ack(packet); return;
        case ExchangeState::settled:
            up_.send_ack({PacketType::pubcomp, id, ReasonCode::success, {}});
            incoming_.erase(id);
            return;
        case ExchangeState::passed_on:
        case ExchangeState::setting_aside:
            return end(RetryClass::network, "the upstream breaks the protocol: PUBREL before PUBREC [MQTT-4.3.3-5]",
                       now);
    }
}

/// Answers a message of the upstream without the local broker, or after it.
void Relay::settle_in(PacketId id, QoS qos, ReasonCode code) {
    if (qos == QoS::at_most_once) return;
    ++counters_.in_done;
    up_.send_ack({qos == QoS::at_least_once ? PacketType::puback : PacketType::pubrec, id, code, {}});
    Exchange* exchange = incoming_.find(id);
    // Before MQTT 5 a PUBREC has no code, so the upstream goes on with PUBREL.
    const bool is_refusal = wire::is_error(code) && up_.options().version == wire::Version::v5;
    if (qos == QoS::at_least_once || is_refusal) {
        if (exchange != nullptr) incoming_.erase(id);
        return;
    }
    if (exchange == nullptr) exchange = &incoming_.add({.id = id, .source_qos = qos});
    exchange->state = ExchangeState::settled;
}

}  // namespace ledge::bridge
