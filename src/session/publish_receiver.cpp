// PUBLISH comes in; PUBACK or PUBREC leaves once the broker has routed the message. The answers to a publication of QoS
// 1 or 2 that does not reach every subscriber:
//
// the publication ...                                                  version 5        version 3
// has too long or too deep a topic (topic_bytes_max, topic_levels_max) 0x90             closed
// is denied by the rules, or goes to $SYS/                             0x87             acknowledged [MQTT-3.3.5-2]
// has a QoS or RETAIN that CONNACK has ruled out                       closed, 0x9B 0x9A closed
// is retained, beyond retained.*_max or the memory budget              0x97             closed
// needs a store that is full, or has failed                            0x97, 0x83       closed
// meets a full queue, overflow = "refuse"                              0x97             closed if that session is away
// meets a full queue, other policies (but see OverflowPolicy::spill)   success; dropped there, counted and logged
// nobody may receive, or expires, or is too large [MQTT-3.1.2-25]      success
#include "ledge/session/publish_receiver.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/session.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/session/tracer.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

std::string detail_for_client(const ConnectionServices& services, std::string_view detail, std::string_view rule) {
    std::string text(detail);
    if (rule.empty()) return text;
    if (!text.empty()) text += ": ";
    return text.append(services.policy->explains_to_clients ? rule : "not allowed by the rules of this server");
}

[[gnu::hot]] Ending PublishReceiver::on_publish(Bytes frame, Session& session, Instant now, Effect& effect) {
    auto packet = wire::decode_publish(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "PUBLISH");
    ++services_.counters.publish_received;
    ++session.traffic.publish_received;
    services_.counters.publish_bytes_received += packet->payload.size();
    if (Ending ending = resolve_topic(*packet)) return ending;
    if (Ending ending = check_against_connack(*packet)) return ending;
    // A repetition is only acknowledged again [MQTT-4.3.3-10].
    if (packet->qos == QoS::exactly_once && session.received.contains(packet->packet_id))
        return owe_repeated_pubrec(*packet, session);
    if (packet->qos != QoS::at_most_once)
        if (Ending ending = check_receive_maximum()) return ending;
    if (const ReasonCode code = check_publish(*packet, session); code != ReasonCode::success)
        return refuse(*packet, code, session);

    journal::PublicationView publication{packet->topic, packet->payload, {}, never, packet->qos, packet->retain};
    if (!packet->properties.empty()) read_properties(packet->properties, publication, now);
    // Only a retained message needs its publisher later: the message is withheld when the publisher has lost its
    // rights.
    if (packet->retain) publication.source = session.source(services_.scratch.source);
    effect = RoutePublication{publication, packet->packet_id};
    return nullptr;
}

// Topic alias in place of, or together with, the topic (5.0 section 3.3.2.3.4).
[[gnu::hot]] Ending PublishReceiver::resolve_topic(wire::Publish& packet) {
    const auto alias = packet.properties.number(PropertyId::topic_alias);
    if (!alias) return nullptr;
    const SessionLimits& limits = peer_.limits();
    if (*alias > limits.topic_alias_max_in)  // [MQTT-3.3.2-9]
        return end_with(ReasonCode::topic_alias_invalid, "the topic alias is above Topic Alias Maximum");
    if (aliases_ == nullptr) aliases_ = std::make_unique<InboundAliases>();
    if (!packet.topic.empty()) {
        if (packet.topic.size() <= limits.topic_bytes_max &&
            aliases_->set(*alias, packet.topic, limits.topic_alias_max_in))
            return nullptr;
        return end_with(ReasonCode::topic_alias_invalid, "the topic alias is above Topic Alias Maximum");
    }
    const auto topic = aliases_->resolve(*alias);
    if (!topic) return end_with(ReasonCode::protocol_error, "the topic alias was never set");
    packet.topic = *topic;
    return nullptr;
}

// A client that ignores what CONNACK has ruled out is disconnected.
[[gnu::hot]] Ending PublishReceiver::check_against_connack(const wire::Publish& packet) const {
    if (packet.qos > peer_.limits().maximum_qos)  // [MQTT-3.2.2-11]
        return end_with(ReasonCode::qos_not_supported, "the QoS is above limits.maximum_qos");
    if (packet.retain && !peer_.limits().retain_available)  // [MQTT-3.2.2-14]
        return end_with(ReasonCode::retain_not_supported, "RETAIN, and limits.retain_available is false");
    if (packet.properties.has(PropertyId::subscription_identifier))  // [MQTT-3.3.4-6]
        return end_with(ReasonCode::protocol_error, "subscription identifier in a client's PUBLISH");
    return nullptr;
}

// [MQTT-3.3.4-7] Counts the messages that have neither PUBACK nor PUBCOMP yet. With the default limit no client can
// exceed it: clients that ignore Receive Maximum (Paho Python, MQTT.js), or sleep when it is used up (Paho C), are
// slowed down because the broker does not read them.
[[gnu::hot]] Ending PublishReceiver::check_receive_maximum() const {
    const std::size_t unanswered = unreleased_ + acks_.size(PacketType::puback);
    if (!peer_.is_v5() || unanswered < peer_.limits().receive_maximum) return nullptr;
    return end_with(ReasonCode::receive_maximum_exceeded,  // 5.0 section 4.13: reason code 0x93
                    "more unacknowledged messages than Receive Maximum allows (limits.receive_maximum = " +
                        std::to_string(peer_.limits().receive_maximum) + ")");
}

// The first PUBREC may not have left yet. The ticket of this one packet id is not known; the session's latest ticket
// covers it.
Ending PublishReceiver::owe_repeated_pubrec(const wire::Publish& packet, const Session& session) {
    if (services_.counters.traces != 0)
        services_.tracer.note({.stage = TraceStage::received,
                               .client_id = session.client_id(),
                               .topic = packet.topic,
                               .qos = packet.qos,
                               .packet_id = packet.packet_id,
                               .detail = "a repetition, which is only acknowledged again"});
    const Ticket ticket = session.received.last_ticket();
    if (services_.journal.is_failed() && !services_.journal.is_durable(ticket))
        return end_with(ReasonCode::implementation_specific_error, "the store has failed");
    acks_.owe_repeated_pubrec(packet.packet_id, ticket);
    return nullptr;
}

[[gnu::hot]] ReasonCode PublishReceiver::check_publish(const wire::Publish& packet, const Session& session) const {
    if (packet.topic.size() > peer_.limits().topic_bytes_max) return ReasonCode::topic_name_invalid;
    if (topic::count_levels(packet.topic) > peer_.limits().topic_levels_max) return ReasonCode::topic_name_invalid;
    if (belongs_to_broker(packet.topic)) return ReasonCode::not_authorized;
    const auth::Rights* rights = session.rights();
    if (rights != nullptr && !rights->may_publish(packet.topic)) return ReasonCode::not_authorized;
    return ReasonCode::success;
}

std::string PublishReceiver::rule_against(std::string_view topic, ReasonCode code, const Session& session) const {
    if (code == ReasonCode::topic_name_invalid)
        return "the topic has " + std::to_string(topic.size()) + " bytes (limits.topic_bytes_max is " +
               std::to_string(peer_.limits().topic_bytes_max) + ") and " + std::to_string(topic::count_levels(topic)) +
               " levels (limits.topic_levels_max is " + std::to_string(peer_.limits().topic_levels_max) + ")";
    if (belongs_to_broker(topic)) return "$SYS/ belongs to the broker";
    const auth::Rights* rights = session.rights();
    return rights == nullptr ? std::string() : rights->explain(rights->judge(topic, auth::Access::write));
}

// The message is not routed. An MQTT 5 publisher is told why. MQTT 3 has no acknowledgement that refuses: the standard
// leaves an acknowledgement or the end of the connection [MQTT-3.3.5-2]. A message that the rules deny is acknowledged,
// as other brokers do it: closing would only make the client come back and send it again. A message that the rules
// allow and the broker does not take ends the connection: an acknowledgement would be a false promise.
Ending PublishReceiver::refuse(const wire::Publish& packet, ReasonCode code, Session& session) {
    if (code == ReasonCode::not_authorized) ++services_.counters.refused_not_allowed;
    const bool is_logged = may_log_refusal();
    const bool is_told = packet.qos != QoS::at_most_once && peer_.is_v5();
    std::string rule;
    const bool is_traced = services_.counters.traces != 0;
    if (is_logged || is_told || is_traced) rule = rule_against(packet.topic, code, session);
    if (is_traced)
        services_.tracer.note({.stage = TraceStage::refused,
                               .client_id = session.client_id(),
                               .topic = packet.topic,
                               .qos = packet.qos,
                               .packet_id = packet.packet_id,
                               .detail = rule});
    if (is_logged)
        services_.log.info("publish_refused", {{"client_id", session.client_id()},
                                               {"user", session.owner()},
                                               {"address", peer_.address},
                                               {"topic", packet.topic},
                                               {"reason", wire::name_of(code)},
                                               {"rule", rule}});
    if (packet.qos == QoS::at_most_once) return nullptr;
    const bool is_policy = code == ReasonCode::not_authorized;
    if (!peer_.is_v5() && !is_policy)
        return end_with(code, "the message is refused, and MQTT 3 has no acknowledgement that says so", rule);
    return on_routed(session, packet.qos, packet.packet_id, code, no_ticket, {},
                     is_policy ? detail_for_client(services_, {}, rule) : rule);
}

// Sets `expires_at`, and leaves out the two properties that subscribers do not get unchanged: the topic alias, which
// belongs to this connection, and the expiry interval, of which only the remaining time is forwarded.
void PublishReceiver::read_properties(const wire::Properties& properties, journal::PublicationView& publication,
                                      Instant now) {
    const auto expiry = properties.number(PropertyId::message_expiry_interval);
    if (expiry) publication.expires_at = add_seconds(now, *expiry);
    if (!expiry && !properties.has(PropertyId::topic_alias)) {
        publication.properties = properties.raw();
        return;
    }
    wire::PropertyBuilder& kept = services_.scratch.inbound;
    kept.clear();
    for (auto property = properties.begin(); property != properties.end(); ++property)
        if (property->id != PropertyId::topic_alias && property->id != PropertyId::message_expiry_interval)
            kept.raw(property.raw(), 0);
    publication.properties = kept.view().raw();
}

[[gnu::hot]] Ending PublishReceiver::on_routed(Session& session, QoS qos, wire::PacketId id, ReasonCode code,
                                               Ticket ticket, AckHold hold, std::string_view reason) {
    LEDGE_ASSERT(qos != QoS::at_most_once && id != 0);
    const bool is_for_later = code == ReasonCode::quota_exceeded || code == ReasonCode::implementation_specific_error;
    if (is_for_later && !peer_.is_v5())
        return end_with(  // MQTT 3 has no PUBACK that refuses: the client may try again later
            code,
            "the message cannot be kept now, and MQTT 3 has no acknowledgement that says so: a queue "
            "(limits.overflow), the retained messages, the memory or the store is full; /healthz and an earlier log "
            "line say which");
    if (qos == QoS::at_least_once) {
        acks_.owe(PacketType::puback, id, code, ticket, hold, reason);  // [MQTT-4.3.2-4]
    } else {
        if (!wire::is_error(code)) {
            ++unreleased_;
            session.received.insert(id);  // [MQTT-4.3.3-9]
        }
        acks_.owe(PacketType::pubrec, id, code, ticket, hold, reason);  // [MQTT-4.3.3-8]
    }
    hold.settle();  // from here on only the subscribers' holds delay the acknowledgement
    return nullptr;
}

[[gnu::hot]] void PublishReceiver::on_pubrel(const wire::Ack& packet, Session& session) {
    const bool is_known = session.received.erase(packet.packet_id);
    if (unreleased_ > 0) --unreleased_;
    // An unknown packet id may be one whose removal is not durable yet: PUBCOMP waits for everything written so far.
    const Ticket removed =
        is_known ? session.received.drop_record(session.number(), packet.packet_id) : services_.journal.last();
    acks_.owe(PacketType::pubcomp, packet.packet_id,
              is_known ? ReasonCode::success : ReasonCode::packet_identifier_not_found, removed);
}

// A publisher that repeats a QoS 2 message whose packet id was not kept must be refused, so the repetition has to count
// as a new message. A packet id that was received before this connection began may be in the store or not; all such
// ids stay in doubt.
void PublishReceiver::on_store_failed(Session& session) {
    bool is_in_doubt = false;
    for (std::size_t i = 0; i < acks_.size(PacketType::pubrec); ++i) {
        const OwedAck& ack = acks_.at(PacketType::pubrec, i);
        if (wire::is_error(ack.code) || services_.journal.is_durable(ack.ticket)) continue;
        if (ack.is_repetition)
            is_in_doubt = true;
        else
            session.received.erase(ack.packet_id);
    }
    if (!is_in_doubt) session.received.forget_tickets();
}

}  // namespace ledge::session
