#include "connack.hpp"

#include "ledge/session/limits.hpp"
#include "ledge/session/packet_sender.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

// CONNACK return codes of MQTT 3 (3.1.1 table 3.1). 0 = no code fits, and the connection is closed without CONNACK.
std::uint8_t return_code_v3(ReasonCode code) {
    switch (code) {
        case ReasonCode::unsupported_protocol_version: return 1;
        case ReasonCode::client_identifier_not_valid: return 2;
        case ReasonCode::server_unavailable:
        case ReasonCode::server_busy:
        case ReasonCode::quota_exceeded:
        case ReasonCode::connection_rate_exceeded: return 3;
        case ReasonCode::bad_user_name_or_password: return 4;
        case ReasonCode::not_authorized:
        case ReasonCode::banned: return 5;
        default: return 0;
    }
}

// Limits that differ from the defaults of the standard are stated (5.0 section 3.2.2.3).
void append_server_limits(const PeerFacts& peer, const OpenSession& open, const Session& session,
                          wire::PropertyBuilder& properties) {
    const wire::Connect& connect = open.connect;
    const SessionLimits& mine = peer.limits();
    const std::uint32_t wished = connect.properties.number(PropertyId::session_expiry_interval).value_or(0);
    if (session.expiry_interval_s != wished)
        properties.number(PropertyId::session_expiry_interval, session.expiry_interval_s);
    if (mine.receive_maximum != receive_maximum_unlimited)
        properties.number(PropertyId::receive_maximum, mine.receive_maximum);
    if (mine.maximum_qos != wire::QoS::exactly_once)  // [MQTT-3.2.2-9]
        properties.number(PropertyId::maximum_qos, static_cast<std::uint32_t>(mine.maximum_qos));
    if (!mine.retain_available) properties.number(PropertyId::retain_available, 0);
    properties.number(PropertyId::maximum_packet_size, mine.max_packet_size_bytes);
    if (connect.client_id.empty())
        properties.text(PropertyId::assigned_client_identifier, open.client_id);  // [MQTT-3.2.2-16]
    properties.number(PropertyId::topic_alias_maximum, mine.topic_alias_max_in);
    if (!mine.wildcard_subscriptions_available) properties.number(PropertyId::wildcard_subscription_available, 0);
    if (!mine.shared_subscriptions_available) properties.number(PropertyId::shared_subscription_available, 0);
    if (const std::uint16_t keep_alive = peer.effective_keep_alive(connect); keep_alive != connect.keep_alive_s)
        properties.number(PropertyId::server_keep_alive, keep_alive);  // [MQTT-3.2.2-21]
}

}  // namespace

void send_connack(const ConnectionServices& services, const PeerFacts& peer, PacketSender& sender,
                  const OpenSession& open, const Session& session, bool session_present,
                  const Authentication* authentication) {
    wire::Connack packet{session_present, ReasonCode::success, 0, {}};
    if (!peer.is_v5()) return sender.send(packet);
    wire::PropertyBuilder& properties = services.scratch.outbound;
    properties.clear();
    append_server_limits(peer, open, session, properties);
    if (authentication != nullptr) {
        properties.text(PropertyId::authentication_method, authentication->method());  // [MQTT-4.12.0-5]
        if (!authentication->last_data().empty())
            properties.text(PropertyId::authentication_data, authentication->last_data());
    }
    packet.properties = properties.view();
    if (open.connect.properties.number(PropertyId::request_response_information).value_or(0) == 0)
        return sender.send(packet);
    // A server may leave Response Information out (5.0 section 3.2.2.3.15), so it is left out when the client has no
    // room for it [MQTT-3.1.2-24].
    wire::PropertyBuilder all;
    all.raw(properties.view().raw(), 0)
        .text(PropertyId::response_information, services.response_information_prefix + session.client_id());
    const wire::Connack whole{packet.session_present, packet.code, packet.return_code_v3, all.view()};
    sender.send(sender.accepts(wire::encoded_size(whole, peer.version)) ? whole : packet);
}

void send_refusal(const PeerFacts& peer, PacketSender& sender, ReasonCode code, std::string_view reason) {
    if (peer.is_v5()) return sender.send_with_reason(wire::Connack{false, code, 0, {}}, reason);  // [MQTT-3.2.2-6]
    const std::uint8_t return_code = return_code_v3(code);
    if (return_code != 0) sender.send(wire::Connack{false, code, return_code, {}});  // [MQTT-3.2.2-4]
}

}  // namespace ledge::session
