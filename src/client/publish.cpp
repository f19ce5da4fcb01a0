// PUBLISH to the server: refusals, messages that are held until they are acknowledged, and the moment of sending.
#include <algorithm>

#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::client {

using wire::PropertyId;
using wire::QoS;

namespace {

// The property Topic Alias needs 3 bytes, and may make the two length fields before it one byte longer each.
constexpr std::size_t alias_bytes_max = 5;

bool is_topic_name(std::string_view topic) {
    const bool has_size = !topic.empty() && topic.size() <= 0xFFFF;
    return has_size && topic.find_first_of("+#") == std::string_view::npos && wire::is_valid_utf8(topic);
}

}  // namespace

Result<PacketId, ReasonCode> Client::publish(const wire::Publish& packet) {
    if (const auto refusal = refusal_of(packet)) return Failure{*refusal};
    // Without a connection the limits of the server are unknown. A held message is checked again before it is sent.
    if (is_connected()) {
        if (const auto refusal = refusal_by_server(packet)) return Failure{*refusal};
    }
    if (is_kept() && packet.qos != QoS::at_most_once) return hold(packet);
    return pass_on(packet);
}

std::optional<ReasonCode> Client::refusal_of(const wire::Publish& packet) const {
    if (!is_topic_name(packet.topic)) return ReasonCode::topic_name_invalid;  // [MQTT-3.3.2-2] [MQTT-4.7.3-1]
    if (packet.properties.has(PropertyId::topic_alias)) return ReasonCode::protocol_error;
    if (packet.properties.has(PropertyId::subscription_identifier))
        return ReasonCode::protocol_error;  // [MQTT-3.3.4-6]
    const bool is_encodable = wire::encoded_size(packet, options_.version) <= wire::packet_size_max;
    return is_encodable ? std::nullopt : std::optional(ReasonCode::packet_too_large);
}

std::optional<ReasonCode> Client::refusal_by_server(const wire::Publish& packet) const {
    if (packet.qos > limits_.maximum_qos) return ReasonCode::qos_not_supported;               // [MQTT-3.2.2-11]
    if (packet.retain && !limits_.retain_available) return ReasonCode::retain_not_supported;  // [MQTT-3.2.2-14]
    if (wire::encoded_size(packet, options_.version) > limits_.maximum_packet_size)
        return ReasonCode::packet_too_large;  // [MQTT-3.2.2-15]
    return std::nullopt;
}

Result<PacketId, ReasonCode> Client::hold(wire::Publish packet) {
    const std::size_t size = packet.topic.size() + packet.properties.raw().size() + packet.payload.size();
    const Limits& limits = options_.limits;
    if (kept_->held.size() >= limits.held_messages_max || kept_->held.bytes() + size > limits.held_bytes_max)
        return Failure{ReasonCode::quota_exceeded};
    if (packet.packet_id == 0) packet.packet_id = next_packet_id();
    if (packet.packet_id == 0) return Failure{ReasonCode::quota_exceeded};  // all 65,535 are in use
    if (!ids_in_use_.insert(packet.packet_id)) return Failure{ReasonCode::packet_identifier_in_use};
    last_id_ = packet.packet_id;
    kept_->held.add(packet);
    pump();
    return PacketId{packet.packet_id};
}

PacketId Client::next_packet_id() {
    // The ids go round: an id that has just become free is used again as late as possible.
    for (std::uint32_t step = 1; step <= 0xFFFF; ++step) {
        const auto id = static_cast<PacketId>((last_id_ + step - 1U) % 0xFFFFU + 1U);
        if (!ids_in_use_.contains(id)) return id;
    }
    return 0;
}

Result<PacketId, ReasonCode> Client::pass_on(const wire::Publish& packet) {
    if (!is_connected()) return Failure{ReasonCode::server_unavailable};
    const std::size_t size = wire::encoded_size(packet, options_.version) + alias_bytes_max;
    // QoS 0 may be refused early. A relay's QoS 1 and 2 are already counted by the server's Receive Maximum, so they
    // get the room up to the fatal limit.
    const bool has_room = packet.qos == QoS::at_most_once ? outbox_.size() < options_.limits.outbox_bytes_max
                                                          : outbox_.size() + size <= options_.limits.outbox_bytes_fatal;
    if (!has_room) return Failure{ReasonCode::quota_exceeded};
    if (packet.qos != QoS::at_most_once) {
        LEDGE_ASSERT(packet.packet_id != 0);
        if (window_out_.is_open(packet.packet_id) || ids_in_use_.contains(packet.packet_id))
            return Failure{ReasonCode::packet_identifier_in_use};
        if (!window_out_.has_room()) return Failure{ReasonCode::receive_maximum_exceeded};
        window_out_.open(packet.packet_id);
    }
    append_publish(packet);
    return PacketId{packet.packet_id};
}

void Client::append_publish(wire::Publish packet) {
    if (packet.qos == QoS::at_most_once) packet.packet_id = 0;  // [MQTT-2.2.1-2]
    const std::size_t size = wire::encoded_size(packet, options_.version);
    // A packet near the server's Maximum Packet Size gets no alias, which would make it larger the first time.
    if (aliases_ && size + alias_bytes_max <= limits_.maximum_packet_size) {
        const AliasesOut::Choice choice = aliases_->out.choose(packet.topic);
        if (choice.alias != 0) {
            aliases_->with_alias.clear();
            aliases_->with_alias.raw(packet.properties.raw(), packet.properties.seen());
            aliases_->with_alias.number(PropertyId::topic_alias, choice.alias);
            packet.properties = aliases_->with_alias.view();
        }
        if (choice.is_known) packet.topic = {};
    }
    append(packet);
}

/// Sends held messages, in order, as far as the window and the outbox allow.
void Client::pump() {
    if (!is_kept() || !is_connected()) return;
    while (HeldMessages::Entry* const entry = kept_->held.next_unsent()) {
        if (outbox_.size() >= options_.limits.outbox_bytes_max) return;
        if (!pump_one(*entry)) return;
    }
}

/// Sends one held message, or ends it if the server does not allow it. False: the window is full.
bool Client::pump_one(HeldMessages::Entry& entry) {
    if (entry.state == HeldState::released) {
        append_ack(wire::PacketType::pubrel, entry.id);  // [MQTT-4.4.0-1]
        kept_->held.skip_unsent();
        return true;
    }
    const wire::Publish packet = entry.packet();
    // publish() accepted the message without a connection, or on a connection with other limits.
    if (const auto refusal = refusal_by_server(packet)) {
        kept_->held.skip_unsent();
        finish(entry, *refusal, PublishDone::How::not_sent);
        return true;
    }
    if (!window_out_.has_room()) return false;  // [MQTT-4.9.0-2]
    window_out_.open(entry.id);
    append_publish(packet);
    entry.state = entry.qos == QoS::at_least_once ? HeldState::sent_qos1 : HeldState::sent_qos2;
    entry.was_sent = true;
    kept_->held.skip_unsent();
    return true;
}

void Client::finish(HeldMessages::Entry& entry, ReasonCode code, PublishDone::How how) {
    kept_->outcomes.push_back({entry.id, code, how});
    ids_in_use_.erase(entry.id);
    window_out_.close(entry.id);
    kept_->held.finish(entry);
}

PacketId Client::withdraw_oldest() {
    LEDGE_ASSERT(is_kept());
    // Without a session and without a connection, the server knows none of the messages.
    const bool is_unknown = state_ == State::closed && !has_session_;
    PacketId found = 0;
    kept_->held.for_each([&](const HeldMessages::Entry& entry) {
        if (found != 0 || (!is_unknown && (entry.was_sent || entry.state != HeldState::waiting))) return;
        found = entry.id;
    });
    if (found == 0) return 0;
    ids_in_use_.erase(found);
    kept_->held.finish(*kept_->held.find(found));
    return found;
}

}  // namespace ledge::client
