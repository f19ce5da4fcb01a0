// Connection: how each type of packet is handled.
#include <algorithm>

#include "handshake.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/first_bytes.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::PropertyId;
using wire::ReasonCode;

namespace {

/// For peers that have come to the wrong port; empty when the bytes belong to no protocol that is known here.
std::string told_protocol(Bytes first_bytes) {
    const std::string_view spoken = protocol_of(first_bytes);
    if (spoken.empty() || spoken == "an MQTT CONNECT") return {};
    return "; the first bytes are " + std::string(spoken) + ", but this listener speaks plain MQTT";
}

// True when a filter breaks the syntax of 4.7.1 or 4.8.2. A well-formed filter with more levels than the broker serves
// is refused in SUBACK instead.
bool has_malformed_filter(const wire::SubscribeEntries& entries) {
    for (const wire::SubscribeEntry& entry : entries)
        if (!topic::is_valid_filter(entry.filter, topic::levels_hard_max) &&
            topic::count_levels(entry.filter) <= topic::levels_hard_max)
            return true;
    return false;
}

constexpr std::string_view malformed_filter = "a topic filter breaks the rules for wildcards or $share";

}  // namespace

[[gnu::hot]] std::uint32_t Connection::packet_size_max() const {
    return state_ == State::handshake ? limits().connect_packet_max_bytes : limits().max_packet_size_bytes;
}

[[gnu::hot]] void Connection::on_frame(Bytes frame, Instant now, Effect& effect) {
    LEDGE_ASSERT(!is_closing());
    last_received_ = now;
    ++services_.counters.packets_received;
    end(state_ == State::connected ? dispatch(frame, now, effect) : on_handshake_frame(frame, now, effect));
}

Ending Connection::on_handshake_frame(Bytes frame, Instant now, Effect& effect) {
    const PacketType type = wire::type_of(frame);
    const bool is_authenticating = handshake_->step() == Handshake::Step::authenticating;
    if (is_authenticating && type == PacketType::auth) return handshake_->on_auth(frame, now, effect);
    if (is_authenticating && type == PacketType::disconnect) return on_disconnect(frame, effect);
    if (is_awaiting_connect() && type == PacketType::connect) {
        ++services_.counters.connects_received;
        return handshake_->on_connect(frame, now, effect);
    }
    // [MQTT-3.1.0-1] The first packet must be CONNECT; during an AUTH exchange only AUTH and DISCONNECT may come.
    const std::string detail =
        "the first packet is " + std::string(wire::name_of(type)) + " and not CONNECT" + told_protocol(frame);
    log_refused(wire::name_of(ReasonCode::protocol_error), ReasonCode::protocol_error, {.detail = detail});
    refuse_stream();
    return nullptr;
}

[[gnu::hot]] Ending Connection::dispatch(Bytes frame, Instant now, Effect& effect) {
    switch (wire::type_of(frame)) {
        case PacketType::publish: return receiver_.on_publish(frame, *session_, now, effect);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return on_ack(frame, now);
        case PacketType::subscribe: return on_subscribe(frame, effect);
        case PacketType::unsubscribe: return on_unsubscribe(frame, effect);
        case PacketType::pingreq: return on_pingreq(frame);
        case PacketType::disconnect: return on_disconnect(frame, effect);
        case PacketType::auth: return on_auth(frame, now);
        case PacketType::connect:  // [MQTT-3.1.0-2]
            return end_with(ReasonCode::protocol_error, "a second CONNECT on one connection");
        case PacketType::connack:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingresp: break;
    }
    return end_with(ReasonCode::protocol_error, "a packet that only a server sends");
}

[[gnu::hot]] Ending Connection::on_ack(Bytes frame, Instant now) {
    const auto packet = wire::decode_ack(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), wire::name_of(wire::type_of(frame)));
    if (packet->type == PacketType::pubrel) {
        receiver_.on_pubrel(*packet, *session_);
        return nullptr;
    }
    if (Ending ending = deliveries_.on_answer(*packet, *session_)) return ending;
    pump(now);
    return nullptr;
}

Ending Connection::on_subscribe(Bytes frame, Effect& effect) const {
    const auto packet = wire::decode_subscribe(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "SUBSCRIBE");
    if (has_malformed_filter(packet->entries))
        return end_with(ReasonCode::malformed_packet, malformed_filter);  // [MQTT-4.13.1-1]
    effect = AddSubscriptions{*packet};
    return nullptr;
}

Ending Connection::on_unsubscribe(Bytes frame, Effect& effect) const {
    const auto packet = wire::decode_unsubscribe(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "UNSUBSCRIBE");
    if (has_malformed_filter(packet->entries)) return end_with(ReasonCode::malformed_packet, malformed_filter);
    effect = RemoveSubscriptions{*packet};
    return nullptr;
}

Ending Connection::on_pingreq(Bytes frame) {
    if (const auto packet = wire::decode_pingreq(frame); !packet.ok()) return end_with(packet.error(), "PINGREQ");
    sender_.send_pingresp();
    return nullptr;
}

Ending Connection::on_disconnect(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_disconnect(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "DISCONNECT");
    if (state_ != State::connected) {
        close_silently();
        return nullptr;
    }
    if (const auto expiry = packet->properties.number(PropertyId::session_expiry_interval)) {
        if (session_->expiry_interval_s == 0 && *expiry != 0)  // 5.0 section 3.14.2.2.2
            return end_with(ReasonCode::protocol_error,
                            "the session expiry interval was 0 in CONNECT, so DISCONNECT cannot raise it");
        session_->expiry_interval_s = std::min(*expiry, limits().session_expiry_max_s);
    }
    if (packet->code == ReasonCode::success) is_will_due_ = false;  // [MQTT-3.14.4-3]
    services_.log.info("client_disconnected", {{"client_id", session_->client_id()},
                                               {"address", peer_.address},
                                               {"by", "client"},
                                               {"reason", wire::name_of(packet->code)}});
    note_disconnected(wire::name_of(packet->code), packet->code);
    close_silently();
    effect = EndConnection{};
    return nullptr;
}

// AUTH after CONNACK.
Ending Connection::on_auth(Bytes frame, Instant now) {
    if (!peer_.is_v5()) return end_with(ReasonCode::protocol_error, "AUTH does not exist before MQTT 5");
    const auto packet = wire::decode_auth(frame, peer_.version);
    if (!packet.ok()) return end_with(packet.error(), "AUTH");
    if (authentication_ == nullptr || !authentication_->continues(*packet))
        return end_with(ReasonCode::protocol_error, "AUTH does not use the authentication method of CONNECT");
    return authentication_->reauthenticate(*packet, *session_, now);
}

void Connection::on_unframeable(const wire::Framer::Next& next) {
    const bool is_too_large = next.status == wire::Framer::Status::too_large;
    const ReasonCode code = is_too_large ? ReasonCode::packet_too_large : ReasonCode::malformed_packet;
    std::string detail = is_too_large ? told_size(next) : "the fixed header is malformed";
    if (state_ == State::connected) return close(code, detail);
    detail += told_protocol(next.frame);
    log_refused(wire::name_of(code), code, {.detail = detail});
    refuse_stream();
}

// "PUBLISH of 1200020 bytes to topic "a/b" exceeds limits.max_packet_size_bytes = 1048576".
std::string Connection::told_size(const wire::Framer::Next& next) const {
    std::string text(wire::name_of(wire::type_of(next.frame)));
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    text += " of " + std::to_string(next.size) + " bytes";
    if (const auto topic = wire::topic_of_beginning(next.frame)) text += " to topic \"" + std::string(*topic) + "\"";
    text += state_ == State::connected ? " exceeds limits.max_packet_size_bytes = "
                                       : " exceeds limits.connect_packet_max_bytes = ";
    return text + std::to_string(packet_size_max());
}

}  // namespace ledge::session
