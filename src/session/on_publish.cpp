// PUBLISH in; PUBACK or PUBREC out once the broker has routed it. What is answered to QoS 1 and 2 that is not taken:
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
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;

void Connection::on_publish(Bytes frame, Effect& effect, Instant now) {
    auto packet = wire::decode_publish(frame, version_);
    if (!packet.ok()) return close(packet.error(), "PUBLISH");
    ++services_.counters.publish_received;
    services_.counters.publish_bytes_received += packet->payload.size();
    if (!resolve_topic(*packet) || !is_allowed_by_connack(*packet)) return;
    if (packet->qos == QoS::exactly_once && !admit_exactly_once(packet->packet_id)) return;
    if (packet->qos == QoS::at_least_once && !is_within_receive_maximum()) return;
    if (const ReasonCode code = check_publish(*packet); code != ReasonCode::success)
        return refuse_publish(*packet, code);

    journal::PublicationView publication{packet->topic, packet->payload, {}, never, packet->qos, packet->retain};
    if (!packet->properties.empty()) take_properties(packet->properties, publication, now);
    if (packet->retain) publication.source = session_->source(services_.scratch.source);
    effect = RoutePublication{publication, packet->packet_id};
}

// Topic alias in place of, or together with, the topic (5.0 section 3.3.2.3.4). False: the connection is closed.
bool Connection::resolve_topic(wire::Publish& packet) {
    const auto alias = packet.properties.number(PropertyId::topic_alias);
    if (!alias) return true;
    if (inbound_aliases_ == nullptr) inbound_aliases_ = std::make_unique<InboundAliases>();
    if (!packet.topic.empty()) {
        if (packet.topic.size() <= limits().topic_bytes_max &&
            inbound_aliases_->set(*alias, packet.topic, limits().topic_alias_max_in))
            return true;
        close(ReasonCode::topic_alias_invalid, "topic alias above Topic Alias Maximum");  // [MQTT-3.3.2-9]
        return false;
    }
    if (*alias > limits().topic_alias_max_in) {
        close(ReasonCode::topic_alias_invalid, "topic alias above Topic Alias Maximum");
        return false;
    }
    const auto topic = inbound_aliases_->resolve(*alias);
    if (!topic) {
        close(ReasonCode::protocol_error, "topic alias was never set");
        return false;
    }
    packet.topic = *topic;
    return true;
}

// What CONNACK has ruled out ends the connection. False: it is closed.
bool Connection::is_allowed_by_connack(const wire::Publish& packet) {
    if (packet.qos > limits().maximum_qos)
        close(ReasonCode::qos_not_supported, "QoS above limits.maximum_qos");  // [MQTT-3.2.2-11]
    else if (packet.retain && !limits().retain_available)
        close(ReasonCode::retain_not_supported, "RETAIN, and limits.retain_available is false");  // [MQTT-3.2.2-14]
    else if (packet.properties.has(PropertyId::subscription_identifier))                          // [MQTT-3.3.4-6]
        close(ReasonCode::protocol_error, "subscription identifier in a client's PUBLISH");
    return state_ == State::connected;
}

// True for the first PUBLISH with this packet id; a repetition is only acknowledged again [MQTT-4.3.3-10].
bool Connection::admit_exactly_once(wire::PacketId id) {
    ReceivedIds& received = session_->received;
    if (received.contains(id)) {
        owe_repeated_pubrec(id);
        return false;
    }
    return is_within_receive_maximum();
}

// [MQTT-3.3.4-7] What has neither PUBACK nor PUBCOMP yet. By default nothing can exceed it: clients that ignore Receive
// Maximum (Paho Python, MQTT.js), or sleep when it is used up (Paho C), are held back by not being read. False: closed.
bool Connection::is_within_receive_maximum() {
    const std::size_t unanswered = unreleased_ + owed_acks_.size(PacketType::puback);
    if (version_ != wire::Version::v5 || unanswered < limits().receive_maximum) return true;
    close(ReasonCode::receive_maximum_exceeded,
          "more unacknowledged messages than Receive Maximum allows (limits.receive_maximum = " +
              std::to_string(limits().receive_maximum) + ")");  // 5.0 section 4.13: reason code 0x93
    return false;
}

ReasonCode Connection::check_publish(const wire::Publish& packet) const {
    if (packet.topic.size() > limits().topic_bytes_max) return ReasonCode::topic_name_invalid;
    if (topic::count_levels(packet.topic) > limits().topic_levels_max) return ReasonCode::topic_name_invalid;
    if (belongs_to_broker(packet.topic)) return ReasonCode::not_authorized;
    const auth::Rights* rights = session_->rights();
    if (rights != nullptr && !rights->may_publish(packet.topic)) return ReasonCode::not_authorized;
    return ReasonCode::success;
}

std::string Connection::rule_against(std::string_view topic, ReasonCode code) const {
    if (code == ReasonCode::topic_name_invalid)
        return "the topic has " + std::to_string(topic.size()) + " bytes (limits.topic_bytes_max is " +
               std::to_string(limits().topic_bytes_max) + ") and " + std::to_string(topic::count_levels(topic)) +
               " levels (limits.topic_levels_max is " + std::to_string(limits().topic_levels_max) + ")";
    if (belongs_to_broker(topic)) return "$SYS/ belongs to the broker";
    const auth::Rights* rights = session_->rights();
    return rights == nullptr ? std::string() : rights->explain(rights->judge(topic, auth::Access::write));
}

// Not routed. A v5 publisher is told why. A 3.x publisher cannot be told: the standard leaves an acknowledgement or the
// end of the connection [MQTT-3.3.5-2]. What it may not publish is acknowledged, as everywhere: it would only come back
// with it. What it may publish and the broker does not take ends the connection: an acknowledgement would be a lie.
void Connection::refuse_publish(const wire::Publish& packet, ReasonCode code) {
    if (code == ReasonCode::not_authorized) ++services_.counters.refused_not_allowed;
    const bool is_logged = may_log_refusal();
    const bool is_told = packet.qos != QoS::at_most_once && version_ == wire::Version::v5;
    std::string rule;
    if (is_logged || is_told) rule = rule_against(packet.topic, code);
    if (is_logged)
        services_.log.info("publish_refused", {{"client_id", session_->client_id()},
                                               {"address", address_},
                                               {"topic", packet.topic},
                                               {"reason", wire::name_of(code)},
                                               {"rule", rule}});
    if (packet.qos == QoS::at_most_once) return;
    if (version_ != wire::Version::v5 && code != ReasonCode::not_authorized)
        return close(code, "the message cannot be taken, and version 3 has no acknowledgement that says so", rule);
    const bool is_policy = code == ReasonCode::not_authorized;
    on_routed(packet.qos, packet.packet_id, code, 0, {}, is_policy ? told({}, rule) : rule);
}

// Sets `expires_at` and leaves out what is not for subscribers: alias and expiry (which is forwarded as what remains).
void Connection::take_properties(const wire::Properties& properties, journal::PublicationView& publication,
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

void Connection::on_routed(QoS qos, wire::PacketId id, ReasonCode code, journal::Ticket ticket, AckHold hold,
                           std::string_view reason) {
    if (state_ != State::connected || qos == QoS::at_most_once) return;
    const bool is_for_later = code == ReasonCode::quota_exceeded || code == ReasonCode::implementation_specific_error;
    if (is_for_later && version_ != wire::Version::v5)
        return close(
            code,  // no PUBACK says no: the client may try again later
            "the message cannot be kept now, and MQTT 3 has no answer that says so: a queue (limits.overflow), the "
            "retained messages, memory or the store is full; /healthz and a line before this one say which");
    if (qos == QoS::at_least_once) {
        owe_ack(PacketType::puback, id, code, ticket, hold, reason);  // [MQTT-4.3.2-4]
    } else {
        if (!wire::is_error(code)) {
            ++unreleased_;
            session_->received.insert(id);  // [MQTT-4.3.3-9]
        }
        owe_ack(PacketType::pubrec, id, code, ticket, hold, reason);  // [MQTT-4.3.3-8]
    }
    hold.settle();  // from here on only the subscribers' holds delay it
}

void Connection::send_ack(PacketType type, wire::PacketId id, ReasonCode code, std::string_view reason) {
    const wire::Ack packet{type, id, version_ == wire::Version::v5 ? code : ReasonCode::success, {}};
    if (reason.empty()) return send_packet(packet);
    send_with_reason(packet, reason);  // [MQTT-3.4.2-2] [MQTT-3.5.2-2]
}

}  // namespace ledge::session
