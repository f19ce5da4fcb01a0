// Messages of the local broker to the upstream, and the answers to them.
//
// The answers, by the QoS of the local broker's PUBLISH (source) and of the PUBLISH to the upstream (target):
//
//   source  target  from the upstream   to the local broker        from the local broker   to the upstream
//   1       1       PUBACK              PUBACK
//   2       2       PUBREC              PUBREC                     PUBREL                  PUBREL
//                   PUBCOMP             PUBCOMP
//   2       1       PUBACK              PUBREC                     PUBREL                  (the relay answers PUBCOMP)
//   2       2       PUBACK (RabbitMQ)   PUBREC                     PUBREL                  (the relay answers PUBCOMP)
//   1, 2    0       (none)              PUBACK, PUBREC at once     PUBREL                  (the relay answers PUBCOMP)
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/marks.hpp"
#include "ledge/bridge/relay.hpp"
#include "temporary.hpp"

namespace ledge::bridge {

using wire::PacketId;
using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

QoS Relay::maximum_qos_out() const { return std::min(upstream_.maximum_qos(), up_.limits().maximum_qos); }

void Relay::on_inner_message(const wire::Publish& packet, Instant now) {
    if (is_repeated(packet, out_, last_out_id_)) return;
    if (pass_out(packet, now) == Passed::waits) keep_waiting(waiting_out_, packet, now);
}

Relay::Passed Relay::pass_out(const wire::Publish& packet, Instant now) {
    const Route* const route = routes_.outgoing(packet.topic, mapped_);
    if (route == nullptr) {
        ++counters_.no_route;
        settle_out(packet.packet_id, packet.qos, ReasonCode::success);
        return Passed::yes;
    }
    for (const auto& [from, to] : options_.character_map) std::replace(mapped_.begin(), mapped_.end(), from, to);
    if (is_loop_out(packet)) {
        ++counters_.loops;
        tell(RelayEvent::Kind::loop_cut, packet.topic);
        settle_out(packet.packet_id, packet.qos, ReasonCode::success);
        return Passed::yes;
    }
    const std::string& beginning = route->remote_prefix.empty() ? route->filter : route->remote_prefix;
    const TopicProblem problem = problem_of(upstream_.profile(), mapped_, beginning.starts_with('$'));
    if (problem != TopicProblem::none) return set_aside(packet, text_of(problem), now);
    if (poison_.is_poison(fingerprint_of(packet)))
        return set_aside(packet, "the upstream closes the connection each time it gets this message", now);
    return send_out(packet, *route, now);
}

/// A message that has passed through here before, in a ring of bridges.
bool Relay::is_loop_out(const wire::Publish& packet) const {
    const Marks marks = marks_of(packet.properties);
    const bool is_own = marks.hops > 0 && !marks.origin.empty() && marks.origin == options_.own_id;
    return is_own || marks.hops >= options_.hops_max;
}

/// A message that has marks keeps them. On one-way routes every 16th message gets marks: one that runs in a ring of
/// one-way routes is marked after some rounds, and cut one round later.
bool Relay::is_marked(const Route& route, const wire::Properties& properties) {
    constexpr std::uint32_t sample = 16;
    if (marks_of(properties).hops > 0) return true;
    switch (options_.marks) {
        case MarkRule::automatic: return route.direction == Direction::both || ++unmarked_ % sample == 0;
        case MarkRule::never: return false;
        case MarkRule::always: return true;
    }
    return false;
}

/// The PUBLISH for the upstream. Its views belong to the relay and to `source`.
wire::Publish Relay::prepare_out(const wire::Publish& source, const Route& route) {
    wire::Publish out = source;
    out.topic = mapped_;
    out.qos = std::min({source.qos, route.qos, maximum_qos_out()});
    // An upstream without a session has never seen the message, so it is no repetition for it.
    out.dup = source.dup && has_upstream_session_ && out.qos != QoS::at_most_once;
    if (out.qos == QoS::at_most_once) out.packet_id = 0;
    const bool may_retain = upstream_.profile().takes_retain && up_.limits().retain_available;
    out.retain = source.retain && may_retain && route.retain == RetainRule::keep;
    out.properties = {};
    if (up_.options().version != wire::Version::v5) return out;
    response_.clear();
    if (const auto topic = source.properties.text(PropertyId::response_topic)) {
        if (!routes_.response_topic_out(*topic, response_)) response_.clear();
    }
    carry_properties(source.properties, {is_marked(route, source.properties), options_.own_id, response_, waited_s_},
                     carried_);
    out.properties = carried_.view();
    return out;
}

Relay::Passed Relay::send_out(const wire::Publish& source, const Route& route, Instant now) {
    const wire::Publish out = prepare_out(source, route);
    const std::uint32_t known = upstream_.profile().packet_bytes_max;
    const std::uint32_t size_max = known == 0 ? options_.packet_bytes_max : std::min(known, options_.packet_bytes_max);
    if (wire::encoded_size(out, up_.options().version) > size_max)
        return set_aside(source, "the message is larger than the bridge may send", now);
    const auto sent = up_.publish(out);
    if (!sent.ok()) {
        const ReasonCode why = sent.error();
        const bool may_wait = source.qos != QoS::at_most_once;
        // Closed: the local broker repeats the message on the next connection.
        if (why == ReasonCode::server_unavailable) return Passed::yes;
        if (why == ReasonCode::quota_exceeded || why == ReasonCode::receive_maximum_exceeded ||
            why == ReasonCode::packet_identifier_in_use) {
            if (may_wait) return Passed::waits;
            count_drop(&RelayCounters::dropped_slow);
            return Passed::yes;
        }
        return set_aside(source, wire::name_of(why), now);
    }
    ++counters_.out;
    if (route.direction == Direction::both) note_sent_both_ways(out, now);
    if (source.qos == QoS::at_most_once) return Passed::yes;
    if (out.qos == QoS::at_most_once) {
        settle_out(source.packet_id, source.qos, ReasonCode::success);
        return Passed::yes;
    }
    round_trip_.on_sent(source.packet_id, now);
    if (out.qos == QoS::exactly_once) open_out_.insert(source.packet_id);
    out_.add({source.packet_id, ExchangeState::passed_on, source.qos, out.qos, fingerprint_of(source),
              std::string(out.topic), now});
    return Passed::yes;
}

/// An upstream that sends a client nothing of its own sends the messages of the priority lane to the bridge's other
/// client nevertheless.
void Relay::note_sent_both_ways(const wire::Publish& out, Instant now) {
    const bool is_lane = !options_.carries_incoming && options_.lane_echoes != nullptr;
    if (!is_lane && upstream_.suppresses_echo()) return;
    EchoWindow& window = is_lane ? *options_.lane_echoes : echoes_;
    window.on_sent(fingerprint_of(out.topic, out.payload), now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Answers

void Relay::on_upstream_ack(const wire::Ack& packet, Instant now) {
    if (packet.type == PacketType::pubrel) return on_upstream_pubrel(packet, now);
    tell_proven();
    if (packet.type == PacketType::pubcomp) return on_upstream_pubcomp(packet);
    round_trip_.on_answer(packet.packet_id, now);
    Exchange* const exchange = out_.find(packet.packet_id);
    if (packet.type == PacketType::pubrec) {
        if (exchange != nullptr) return on_upstream_pubrec(packet, *exchange, now);
        // 5.0 section 3.6.2.1: the upstream remembers an exchange that nobody here knows. PUBREL ends it.
        if (!wire::is_error(packet.code))
            up_.send_ack({PacketType::pubrel, packet.packet_id, ReasonCode::packet_identifier_not_found, {}});
        return;
    }
    LEDGE_ASSERT(packet.type == PacketType::puback);
    if (exchange == nullptr || exchange->state != ExchangeState::passed_on)
        return end(RetryClass::network, "the upstream breaks the protocol: PUBACK after PUBREC [MQTT-4.3.3-4]", now);
    on_upstream_puback(packet, *exchange, now);
}

void Relay::on_upstream_puback(const wire::Ack& packet, Exchange& exchange, Instant now) {
    poison_.on_answer(exchange.fingerprint);
    if (wire::is_error(packet.code) && is_refused_out(packet, exchange, now)) return;
    if (exchange.target_qos == QoS::exactly_once) {
        // The upstream has the message; it only does not do QoS 2.
        open_out_.erase(exchange.id);
        if (upstream_.on_puback_for_qos2()) tell(RelayEvent::Kind::qos_lowered);
    }
    if (exchange.source_qos == QoS::at_least_once) {
        in_.send_ack(packet);
        ++counters_.out_done;
        out_.erase(exchange.id);
    } else {
        settle_out(exchange.id, exchange.source_qos, packet.code);
    }
    return_to_speed(now);
}

void Relay::on_upstream_pubrec(const wire::Ack& packet, Exchange& exchange, Instant now) {
    if (exchange.target_qos != QoS::exactly_once)
        return end(RetryClass::network, "the upstream breaks the protocol: PUBREC answers QoS 1 [MQTT-4.3.2-2]", now);
    if (exchange.state == ExchangeState::received) {
        in_.send_ack(packet);  // the local broker repeats its PUBREL
        return;
    }
    if (exchange.state != ExchangeState::passed_on) return;
    has_done_qos2_ = true;
    poison_.on_answer(exchange.fingerprint);
    if (wire::is_error(packet.code)) {
        if (is_refused_out(packet, exchange, now)) return;
        open_out_.erase(exchange.id);
        in_.send_ack(packet);
        ++counters_.out_done;
        out_.erase(exchange.id);
    } else {
        in_.send_ack(packet);
        exchange.state = ExchangeState::received;
    }
    return_to_speed(now);
}

/// An error code of the upstream. True: the message stays with the local broker, and the connections end.
bool Relay::is_refused_out(const wire::Ack& packet, const Exchange& exchange, Instant now) {
    if (is_temporary(packet.code)) {
        end(RetryClass::network, "the upstream accepts no message now: " + std::string(wire::name_of(packet.code)), now,
            packet.code);
        return true;
    }
    ++counters_.refused;
    ++counters_.refused_by_code[refusal_index(packet.code)];
    const auto reason = packet.properties.text(PropertyId::reason_string);
    tell(RelayEvent::Kind::refused, exchange.topic, packet.code, reason.value_or(""));
    return false;
}

void Relay::on_upstream_pubcomp(const wire::Ack& packet) {
    const PacketId id = packet.packet_id;
    Exchange* const exchange = out_.find(id);
    const bool is_end = exchange != nullptr && exchange->state == ExchangeState::received;
    if (!is_end && !released_out_.erase(id)) return;  // the answer to a PUBREL 0x92 of this relay
    open_out_.erase(id);
    in_.send_ack(packet);
    ++counters_.out_done;
    if (is_end) out_.erase(id);
}

void Relay::on_inner_pubrel(const wire::Ack& packet) {
    const PacketId id = packet.packet_id;
    last_out_id_ = id;
    if (Exchange* const exchange = out_.find(id)) {
        if (exchange->state == ExchangeState::received) up_.send_ack(packet);
        if (exchange->state != ExchangeState::settled) return;
        in_.send_ack({PacketType::pubcomp, id, ReasonCode::success, {}});
        out_.erase(id);
        return;
    }
    // The exchange began on an earlier connection: the upstream has the message. If its session is gone, or if it does
    // not do QoS 2 anyway, there is nothing left that PUBREL could release.
    if (!has_upstream_session_ || maximum_qos_out() != QoS::exactly_once) {
        in_.send_ack({PacketType::pubcomp, id, ReasonCode::success, {}});
        ++counters_.out_done;
        return;
    }
    open_out_.insert(id);
    released_out_.insert(id);
    up_.send_ack(packet);
}

/// Answers a message of the local broker without the upstream.
void Relay::settle_out(PacketId id, QoS qos, ReasonCode code) {
    if (qos == QoS::at_most_once) return;
    ++counters_.out_done;
    const bool is_over = qos == QoS::at_least_once || wire::is_error(code);
    in_.send_ack({qos == QoS::at_least_once ? PacketType::puback : PacketType::pubrec, id, code, {}});
    Exchange* exchange = out_.find(id);
    if (is_over) {
        if (exchange != nullptr) out_.erase(id);
        return;
    }
    if (exchange == nullptr) exchange = &out_.add({.id = id, .source_qos = qos});
    exchange->state = ExchangeState::settled;
}

}  // namespace ledge::bridge
