// CONNECT in, CONNACK out. Owned by Connection, on the shard's thread.
#include <algorithm>
#include <array>
#include <utility>

#include "auth_exchange.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"
#include "pending_login.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;
using wire::Version;

namespace {

// CONNACK return codes of 3.x (3.1.1 table 3.1). 0: no code fits, the connection is closed without CONNACK.
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

std::string_view user_of(const Session& session) {
    const auth::Identity* identity = session.identity();
    return identity != nullptr && identity->user ? std::string_view(*identity->user) : std::string_view();
}

std::string random_client_id(Rng& rng) {
    static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
    std::string id = "auto-";
    for (std::uint64_t value = rng.next(), i = 0; i < 12; ++i, value >>= 5U) id += digits[value & 31U];
    return id;
}

}  // namespace

void Connection::on_connect(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect) {
    version_ = packet.version;
    take_connect_properties(packet);
    std::string detail;
    if (const ReasonCode code = check_connect(packet, detail); code != ReasonCode::success)
        return refuse_connect(code, detail, {}, &packet);
    if (packet.properties.has(PropertyId::authentication_method))
        return start_authentication(packet, frame, now, effect);
    if (identity_ != nullptr) return admit(packet, std::move(*identity_), effect);  // proven by TLS
    auth::Answer answer = auth::answer(services_.policy, {packet.user_name, packet.password, listener_.allow_anonymous,
                                                          packet.client_id, address_, listener_.name});
    if (answer.check) return await_login(packet, frame, std::move(*answer.check), now);
    if (answer.code != ReasonCode::success)
        return refuse_connect(answer.code, auth::reason_of(answer, services_.policy), {}, &packet);
    admit(packet, {}, effect);
}

// Identity is settled: ask the broker for the session.
void Connection::admit(const wire::Connect& packet, auth::Identity identity, Effect& effect) {
    std::string client_id(packet.client_id);
    if (client_id.empty()) client_id = random_client_id(services_.rng);  // [MQTT-3.1.3-6]
    const bool has_identity = identity.proof != auth::Proof::none || identity.user || services_.policy.acl;
    identity_ = has_identity ? std::make_unique<auth::Identity>(std::move(identity)) : nullptr;
    OpenSession open{packet, std::move(client_id)};
    if (may_leave_will(open.connect, open.client_id)) effect = std::move(open);
}

// False: the connection is refused. A will that could never be published is better known of now. The state of a bridge
// is another matter: Mosquitto's bridges leave it as will unless they are told not to, and nobody thinks of a rule for
// it. Such a will is left out, and the bridge works.
bool Connection::may_leave_will(wire::Connect& packet, std::string_view client_id) {
    if (!packet.will || identity_ == nullptr) return true;
    const auto rights = auth::rights_of(services_.policy, *identity_, client_id);
    if (!rights) return true;
    const auth::Verdict verdict = rights->judge(packet.will->topic, auth::Access::write);
    if (verdict.is_allowed) return true;
    if (!is_bridge_state(packet.will->topic)) {
        refuse_connect(ReasonCode::not_authorized, "will to " + std::string(packet.will->topic),
                       rights->explain(verdict), &packet);
        return false;
    }
    services_.log.warning("will_ignored", {{"client_id", client_id},
                                           {"address", address_},
                                           {"topic", packet.will->topic},
                                           {"rule", rights->explain(verdict)}});
    packet.will.reset();
    return true;
}

ReasonCode Connection::check_connect(const wire::Connect& packet, std::string& detail) const {
    if (packet.client_id.size() > limits().client_id_bytes_max) {
        detail = "the client identifier has " + std::to_string(packet.client_id.size()) +
                 " bytes (limits.client_id_bytes_max is " + std::to_string(limits().client_id_bytes_max) + ")";
        return ReasonCode::client_identifier_not_valid;
    }
    return packet.will ? check_will(*packet.will, detail) : ReasonCode::success;
}

ReasonCode Connection::check_will(const wire::Will& will, std::string& detail) const {
    detail = "will";
    if (!topic::is_valid_topic(will.topic, limits().topic_levels_max) || will.topic.size() > limits().topic_bytes_max)
        return ReasonCode::topic_name_invalid;
    if (belongs_to_broker(will.topic)) {
        detail = "will: topics that begin with $SYS/ belong to the broker";
        return ReasonCode::not_authorized;
    }
    if (will.qos > limits().maximum_qos) return ReasonCode::qos_not_supported;               // [MQTT-3.2.2-12]
    if (will.retain && !limits().retain_available) return ReasonCode::retain_not_supported;  // [MQTT-3.2.2-13]
    return ReasonCode::success;
}

void Connection::take_connect_properties(const wire::Connect& packet) {
    if (version_ != Version::v5) return;
    const wire::Properties& properties = packet.properties;
    peer_packet_size_max_ = properties.number(PropertyId::maximum_packet_size).value_or(peer_packet_size_max_);
    peer_receive_max_ =
        static_cast<std::uint16_t>(properties.number(PropertyId::receive_maximum).value_or(peer_receive_max_));
    wants_problem_information_ = properties.number(PropertyId::request_problem_information).value_or(1) == 1;
    const std::uint32_t aliases = std::min<std::uint32_t>(
        properties.number(PropertyId::topic_alias_maximum).value_or(0), limits().topic_alias_max_out);
    if (aliases > 0) outbound_aliases_ = std::make_unique<OutboundAliases>(static_cast<std::uint16_t>(aliases));
}

std::uint16_t Connection::effective_keep_alive(const wire::Connect& packet) const {
    const std::uint32_t ceiling = limits().max_keep_alive_s;
    const bool is_within = ceiling == 0 || (packet.keep_alive_s != 0 && packet.keep_alive_s <= ceiling);
    if (is_within || version_ != Version::v5) return packet.keep_alive_s;  // only v5 can be told otherwise
    return static_cast<std::uint16_t>(ceiling);
}

void Connection::accept(const OpenSession& open, Session& session, bool session_present, Instant now) {
    const wire::Connect& packet = open.connect;
    state_ = State::connected;
    session_ = &session;
    is_stranger_ = false;
    services_.memory.remove_of_strangers(counted_input_);
    session.attach(*this, limits());
    session.take_rules(services_.policy);
    is_will_due_ = packet.will.has_value();
    services_.log.info("client_connected", {{"client_id", session.client_id()},
                                            {"user", user_of(session)},
                                            {"address", address_},
                                            {"listener", listener_.name},
                                            {"version", static_cast<int>(version_)},
                                            {"keep_alive_s", packet.keep_alive_s},
                                            {"session_present", session_present ? "yes" : "no"}});
    send_connack(open, session_present);
    if (state_ != State::connected) return;  // not even CONNACK fits the client's Maximum Packet Size
    start_keep_alive(effective_keep_alive(packet), now);
    pump(now);  // [MQTT-4.4.0-1]
    if (auth_ != nullptr) auth_->connect_frame = auth::Secret();
    if (auth_ != nullptr) auth_->last_data = {};
}

void Connection::send_connack(const OpenSession& open, bool session_present) {
    wire::Connack packet{session_present, ReasonCode::success, 0, {}};
    if (version_ == Version::v5) {
        wire::PropertyBuilder& properties = services_.scratch.outbound;
        properties.clear();
        append_server_limits(open, properties);
        packet.properties = properties.view();
        if (open.connect.properties.number(PropertyId::request_response_information).value_or(0) == 1)
            add_response_information(packet, properties);
    }
    send_packet(packet);
}

// A server may leave it out (5.0 section 3.2.2.3.15): so does one whose client has no room for it [MQTT-3.1.2-24].
void Connection::add_response_information(wire::Connack& packet, wire::PropertyBuilder& properties) const {
    wire::PropertyBuilder all;
    all.raw(properties.view().raw(), 0)
        .text(PropertyId::response_information, services_.response_information_prefix + session_->client_id());
    const wire::Connack whole{packet.session_present, packet.code, packet.return_code_v3, all.view()};
    if (!takes_packet_of(wire::encoded_size(whole, version_))) return;
    properties = std::move(all);
    packet.properties = properties.view();
}

// What differs from the defaults of the standard is told (5.0 section 3.2.2.3).
void Connection::append_server_limits(const OpenSession& open, wire::PropertyBuilder& properties) {
    const wire::Connect& connect = open.connect;
    const SessionLimits& mine = limits();
    const std::uint32_t wished = connect.properties.number(PropertyId::session_expiry_interval).value_or(0);
    if (session_->expiry_interval_s != wished)
        properties.number(PropertyId::session_expiry_interval, session_->expiry_interval_s);
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
    if (effective_keep_alive(connect) != connect.keep_alive_s)  // [MQTT-3.2.2-21]
        properties.number(PropertyId::server_keep_alive, effective_keep_alive(connect));
    if (auth_ == nullptr) return;
    properties.text(PropertyId::authentication_method, auth_->method);  // [MQTT-4.12.0-5]
    if (!auth_->last_data.empty()) properties.text(PropertyId::authentication_data, auth_->last_data);
}

void Connection::refuse_connect(ReasonCode code, std::string_view detail, std::string_view rule,
                                const wire::Connect* asker) {
    ++services_.counters.connections_refused;
    services_.log.info("connection_refused", {{"address", address_},
                                              {"listener", listener_.name},
                                              {"client_id", asker == nullptr ? "" : asker->client_id},
                                              {"user", asker == nullptr ? "" : asker->user_name.value_or("")},
                                              {"reason", wire::name_of(code)},
                                              {"detail", detail},
                                              {"rule", rule}});
    if (version_ == Version::v5) {
        send_with_reason(wire::Connack{false, code, 0, {}}, told(detail, rule));  // [MQTT-3.2.2-6] [MQTT-3.2.2-19]
    } else if (const std::uint8_t return_code = return_code_v3(code); return_code != 0) {
        send_packet(wire::Connack{false, code, return_code, {}});  // [MQTT-3.2.2-4]
    }
    start_closing();
}

// The frame did not decode: it is answered in the form of the version that it claims.
void Connection::refuse_undecodable_connect(Bytes frame, wire::Violation violation) {
    version_ = wire::claimed_version(frame).value_or(Version::v3_1_1);
    refuse_connect(violation, std::string("CONNECT: ").append(wire::text_of(violation.rule)));
}

}  // namespace ledge::session
