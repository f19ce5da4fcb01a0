// Enhanced authentication (5.0 section 4.12): the exchange before CONNACK and the re-authentication after it.
#include "auth_exchange.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

void Connection::start_authentication(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect) {
    const std::string_view method = *packet.properties.text(PropertyId::authentication_method);
    auto exchange = auth::Exchange::start(services_.policy, method);
    if (!exchange) return refuse_connect(ReasonCode::bad_authentication_method, "authentication method is not known");
    auth_ = std::make_unique<AuthExchange>();
    auth_->method = method;
    auth_->connect_frame = auth::Secret(frame);
    auth_->exchange = std::move(exchange);
    if (const auto data = packet.properties.text(PropertyId::authentication_data))
        return continue_authentication(*data, now, effect);
    state_ = State::authenticating;
    send_auth(ReasonCode::continue_authentication, {});  // [MQTT-4.12.0-2]
}

void Connection::on_auth(Bytes frame, Instant now, Effect& effect) {
    if (version_ != wire::Version::v5) return close(ReasonCode::protocol_error, "AUTH before MQTT 5");
    const auto packet = wire::decode_auth(frame, version_);
    if (!packet.ok()) return close(packet.error(), "AUTH");
    const auto method = packet->properties.text(PropertyId::authentication_method);
    if (auth_ == nullptr || method != auth_->method)  // [MQTT-4.12.0-5] [MQTT-4.12.0-7]
        return close(ReasonCode::protocol_error, "AUTH does not continue the method of CONNECT");
    const auto data = packet->properties.text(PropertyId::authentication_data);
    if (state_ != State::authenticating) return reauthenticate(packet->code, data, now);
    if (packet->code != ReasonCode::continue_authentication)  // [MQTT-4.12.0-3]
        return close(ReasonCode::protocol_error, "AUTH step");
    continue_authentication(data.value_or(""), now, effect);
}

// The client's next message, before CONNACK.
void Connection::continue_authentication(std::string_view data, Instant now, Effect& effect) {
    auth::Exchange& exchange = *auth_->exchange;
    auth::Exchange::Reply reply = exchange.on_message(services_.policy, data, listener_.allow_anonymous, services_.rng);
    const auth::LoginSource source = source_of_exchange();
    if (services_.guard.is_blocked(source, now)) return refuse_blocked();
    if (reply.code == ReasonCode::continue_authentication) {
        state_ = State::authenticating;
        return send_auth(reply.code, reply.data);
    }
    const auto connect = wire::decode_connect(auth_->connect_frame.bytes());
    if (reply.code != ReasonCode::success) {
        if (reply.is_guess) {
            note_failed_login(exchange.user(), connect->client_id, reply.problem);
            note_guess(source, now);
        }
        return refuse_connect(reply.code, reply.problem, {}, &*connect);  // [MQTT-4.12.0-4]
    }
    services_.guard.on_success(source);
    auth_->exchange.reset();
    auth_->last_data = std::move(reply.data);
    admit(*connect, std::move(reply.identity), effect);  // its views stay valid: accept() lets go of the frame
}

void Connection::reauthenticate(ReasonCode step, std::optional<std::string_view> data, Instant now) {
    const bool is_start = step == ReasonCode::reauthenticate;
    const bool is_answer = step == ReasonCode::continue_authentication && auth_->exchange;
    if (!is_start && !is_answer) return close(ReasonCode::protocol_error, "AUTH step");
    if (is_start) {
        auth_->exchange = auth::Exchange::start(services_.policy, auth_->method);
        if (!auth_->exchange) return close(ReasonCode::bad_authentication_method, "the method is no longer known");
        if (!data) return send_auth(ReasonCode::continue_authentication, {});
    }
    auth::Exchange& exchange = *auth_->exchange;
    auth::Exchange::Reply reply =
        exchange.on_message(services_.policy, data.value_or(""), listener_.allow_anonymous, services_.rng);
    const auth::LoginSource source = source_of_exchange();
    if (services_.guard.is_blocked(source, now))
        return close(ReasonCode::not_authorized, "too many failed logins of this name from this address");
    if (reply.code == ReasonCode::continue_authentication) return send_auth(reply.code, reply.data);
    if (reply.is_guess) {
        note_failed_login(exchange.user(), session_->client_id(), reply.problem);
        note_guess(source, now);
    }
    auth_->exchange.reset();
    if (reply.code != ReasonCode::success) return close(reply.code, reply.problem);  // [MQTT-4.12.1-2]
    if (!session_->renew_proof(reply.identity))
        return close(ReasonCode::not_authorized, "re-authentication as another user");
    send_auth(ReasonCode::success, reply.data);
}

/// The name is known from the client's first message on.
auth::LoginSource Connection::source_of_exchange() const {
    const std::string_view user = auth_->exchange->user();
    const auto& passwords = services_.policy.passwords;
    return services_.guard.source_of(network_, user, !passwords || passwords->find(user) == nullptr);
}

void Connection::send_auth(ReasonCode code, std::string_view data) {
    services_.scratch.outbound.clear();
    services_.scratch.outbound.text(PropertyId::authentication_method, auth_->method);
    if (!data.empty()) services_.scratch.outbound.text(PropertyId::authentication_data, data);
    send_packet(wire::Auth{code, services_.scratch.outbound.view()});
}

}  // namespace ledge::session
