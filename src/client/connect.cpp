// CONNECT and CONNACK: the options that the client announces, the limits that the server sets, and the session.
#include <algorithm>

#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PropertyId;

namespace {

constexpr std::uint32_t never_expires = 0xFFFF'FFFF;

/// True for a CONNACK of 3.1.1 with an error code, such as `20 02 00 01`. A server that does not know MQTT 5 answers
/// in this form, so a client of MQTT 5 must not take it for a malformed packet.
bool is_refusal_in_v3(Bytes frame) { return frame.size() == 4 && frame[2] == 0 && frame[3] >= 1 && frame[3] <= 5; }

}  // namespace

wire::PropertyBuilder Client::connect_properties() const {
    wire::PropertyBuilder out;
    const Options& o = options_;
    // Properties with the default value of the standard are left out: some servers refuse a CONNECT with any property.
    if (o.session_expiry_s != 0) out.number(PropertyId::session_expiry_interval, o.session_expiry_s);
    if (o.receive_maximum != 65'535) out.number(PropertyId::receive_maximum, o.receive_maximum);
    if (o.maximum_packet_size < wire::packet_size_max)
        out.number(PropertyId::maximum_packet_size, o.maximum_packet_size);
    if (o.topic_alias_maximum != 0) out.number(PropertyId::topic_alias_maximum, o.topic_alias_maximum);
    if (o.request_response_information) out.number(PropertyId::request_response_information, 1);
    if (!o.request_problem_information) out.number(PropertyId::request_problem_information, 0);
    for (const auto& [name, value] : o.user_properties) out.user(name, value);
    if (o.authentication_method) {
        out.text(PropertyId::authentication_method, *o.authentication_method);
        if (o.authentication_data) out.text(PropertyId::authentication_data, *o.authentication_data);
    }
    return out;
}

void Client::append_connect() {
    wire::Connect packet;
    packet.version = options_.version;
    packet.client_id = client_id();
    packet.clean_start = is_clean_start_;
    packet.keep_alive_s = options_.keep_alive_s;
    packet.is_bridge = options_.is_bridge && !is_v5();
    if (options_.user_name) packet.user_name = *options_.user_name;
    if (options_.password) packet.password = as_bytes(*options_.password);
    if (options_.will) {
        const WillOptions& will = *options_.will;
        packet.will = wire::Will{will.topic, as_bytes(will.payload), will.qos, will.retain, {}};
        if (is_v5()) packet.will->properties = will.properties.view();
    }
    const wire::PropertyBuilder properties = connect_properties();
    if (is_v5()) packet.properties = properties.view();
    wire::Writer out(outbox_.append(wire::encoded_size(packet)));
    wire::encode(packet, out);
}

ServerLimits limits_of(const wire::Connack& connack, const Options& options, bool is_clean_start) {
    ServerLimits limits;
    limits.keep_alive_s = options.keep_alive_s;
    if (options.version != wire::Version::v5) {
        limits.session_expiry_s = is_clean_start ? 0 : never_expires;
        return limits;
    }
    const wire::Properties& given = connack.properties;
    const auto number = [&](PropertyId id, std::uint32_t fallback) { return given.number(id).value_or(fallback); };
    const auto u16 = [&](PropertyId id, std::uint16_t fallback) {
        return static_cast<std::uint16_t>(number(id, fallback));
    };
    limits.receive_maximum = u16(PropertyId::receive_maximum, limits.receive_maximum);
    limits.maximum_qos = static_cast<wire::QoS>(number(PropertyId::maximum_qos, 2));
    limits.maximum_packet_size = number(PropertyId::maximum_packet_size, limits.maximum_packet_size);
    limits.topic_alias_maximum = u16(PropertyId::topic_alias_maximum, 0);
    limits.retain_available = number(PropertyId::retain_available, 1) != 0;
    limits.wildcard_subscriptions_available = number(PropertyId::wildcard_subscription_available, 1) != 0;
    limits.subscription_identifiers_available = number(PropertyId::subscription_identifier_available, 1) != 0;
    limits.shared_subscriptions_available = number(PropertyId::shared_subscription_available, 1) != 0;
    limits.keep_alive_s = u16(PropertyId::server_keep_alive, options.keep_alive_s);  // [MQTT-3.2.2-21]
    limits.session_expiry_s = number(PropertyId::session_expiry_interval, options.session_expiry_s);
    return limits;
}

Event Client::on_connack(Bytes frame) {
    if (state_ != State::greeting) return fail(Fault::second_connack);
    const bool is_in_v3 = is_v5() && is_refusal_in_v3(frame);
    const auto packet = wire::decode_connack(frame, is_in_v3 ? wire::Version::v3_1_1 : options_.version);
    if (!packet) return fail(Fault::undecodable, packet.error().rule);
    if (packet->code != ReasonCode::success) {
        outbox_.clear();  // [MQTT-3.2.2-7] the server closes the connection
        return end(Ended::Cause::refused, packet->code, wire::name_of(packet->code), packet->properties);
    }
    if (const Fault fault = fault_of(*packet); fault != Fault::none) return fail(fault);
    if (const auto id = packet->properties.text(PropertyId::assigned_client_identifier))
        assigned_client_id_ = std::string(*id);
    limits_ = limits_of(*packet, options_, is_clean_start_);
    is_auth_asked_ = is_clean_start_owed_ = false;
    is_accepted_ = true;
    state_ = State::connected;
    begin_session(packet->session_present);
    return Connected{packet->session_present, limits_, packet->properties};
}

Fault Client::fault_of(const wire::Connack& connack) const {
    if (connack.session_present && is_clean_start_) return Fault::session_after_clean_start;
    // In Flow::passed_on the application keeps the session state, so only a client in Flow::kept can judge. 3.1.1 has
    // no such rule.
    const bool must_know = is_kept() && is_v5() && !options_.accepts_unknown_session;
    if (connack.session_present && must_know && !has_session_) return Fault::session_unknown;
    if (!is_v5()) return Fault::none;
    if (client_id().empty() && !connack.properties.has(PropertyId::assigned_client_identifier))
        return Fault::no_assigned_client_id;
    const auto method = connack.properties.text(PropertyId::authentication_method);
    if (method && !options_.authentication_method) return Fault::auth_without_method;
    if (method && *method != *options_.authentication_method) return Fault::auth_other_method;
    return Fault::none;
}

void Client::begin_session(bool session_present) {
    LEDGE_ASSERT(state_ == State::connected);
    const std::uint32_t window =
        is_kept() ? std::min(limits_.receive_maximum, options_.limits.inflight_max) : limits_.receive_maximum;
    window_out_.reset(window);
    window_in_.reset(is_v5() ? options_.receive_maximum : 65'535);
    const std::uint16_t aliases_in = is_v5() ? options_.topic_alias_maximum : std::uint16_t{0};
    const std::uint16_t aliases_out = std::min(limits_.topic_alias_maximum, options_.topic_alias_maximum_out);
    aliases_.reset();
    if (aliases_in != 0 || aliases_out != 0) {
        aliases_ = std::make_unique<Aliases>();
        aliases_->in.reset(aliases_in);
        aliases_->out.reset(aliases_out);
    }
    if (!is_kept()) return;
    if (!session_present) lose_session();
    kept_->held.begin_connection(session_present);
    has_session_ = true;
    pump();
}

/// The server has lost the session [MQTT-3.2.2-5]. The client discards the state of exchanges. Messages that the
/// server has not received are sent again as new messages, or given up (Options::republishes_lost).
void Client::lose_session() {
    kept_->received.clear();
    // finish() removes entries, so the ids are collected first.
    std::vector<PacketId> received_by_server;
    std::vector<PacketId> given_up;
    kept_->held.for_each([&](const HeldMessages::Entry& entry) {
        if (entry.state == HeldState::released) received_by_server.push_back(entry.id);
        if (entry.state != HeldState::released && entry.was_sent && !options_.republishes_lost)
            given_up.push_back(entry.id);
    });
    for (const PacketId id : received_by_server)
        finish(*kept_->held.find(id), ReasonCode::success, PublishDone::How::session_lost);
    for (const PacketId id : given_up)
        finish(*kept_->held.find(id), ReasonCode::unspecified_error, PublishDone::How::given_up);
}

}  // namespace ledge::client
