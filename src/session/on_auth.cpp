// Enhanced authentication (5.0 section 4.12): the exchange before CONNACK and the re-authentication after it.
#include "auth_exchange.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

void Connection::start_authentication(const wire::Connect& packet, Bytes frame, Effect& effect) {
    const std::string_view method = *packet.properties.text(PropertyId::authentication_method);
    if (!auth::is_known_method(method))
        return refuse_connect(ReasonCode::bad_authentication_method, "authentication method is not known");
    auth_ = std::make_unique<AuthExchange>();
    auth_->method = method;
    if (const auto trace = packet.properties.text(PropertyId::authentication_data)) {
        if (const ReasonCode code = auth::answer_anonymous(*trace, listener_.allow_anonymous);
            code != ReasonCode::success)
            return refuse_connect(code, "authentication");
        return admit(packet, {}, effect);
    }
    auth_->connect_frame.assign(frame.begin(), frame.end());
    state_ = State::authenticating;
    send_auth(ReasonCode::continue_authentication);  // [MQTT-4.12.0-2]
}

void Connection::on_auth(Bytes frame, Effect& effect) {
    if (version_ != wire::Version::v5) return close(ReasonCode::protocol_error, "AUTH before MQTT 5");
    const auto packet = wire::decode_auth(frame, version_);
    if (!packet.ok()) return close(packet.error(), "AUTH");
    const auto method = packet->properties.text(PropertyId::authentication_method);
    if (auth_ == nullptr || method != auth_->method)  // [MQTT-4.12.0-5] [MQTT-4.12.0-7]
        return close(ReasonCode::protocol_error, "AUTH does not continue the method of CONNECT");
    const std::optional<std::string_view> trace = packet->properties.text(PropertyId::authentication_data);
    if (state_ == State::authenticating) return continue_authentication(packet->code, trace, effect);
    reauthenticate(packet->code, trace);
}

void Connection::continue_authentication(ReasonCode step, std::optional<std::string_view> trace, Effect& effect) {
    if (step != ReasonCode::continue_authentication)
        return close(ReasonCode::protocol_error, "AUTH step");  // [MQTT-4.12.0-3]
    if (const ReasonCode code = auth::answer_anonymous(trace.value_or(""), listener_.allow_anonymous);
        code != ReasonCode::success)
        return refuse_connect(code, "authentication");  // [MQTT-4.12.0-4]
    const auto connect = wire::decode_connect({auth_->connect_frame.data(), auth_->connect_frame.size()});
    admit(*connect, {}, effect);  // its views stay valid: the exchange keeps the frame until the effect is done
}

void Connection::reauthenticate(ReasonCode step, std::optional<std::string_view> trace) {
    const bool is_start = step == ReasonCode::reauthenticate;
    const bool is_response = step == ReasonCode::continue_authentication && auth_->is_reauthenticating;
    if (!is_start && !is_response) return close(ReasonCode::protocol_error, "AUTH step");
    if (is_start && !trace) {
        auth_->is_reauthenticating = true;
        return send_auth(ReasonCode::continue_authentication);
    }
    auth_->is_reauthenticating = false;
    if (const ReasonCode code = auth::answer_anonymous(trace.value_or(""), listener_.allow_anonymous);
        code != ReasonCode::success)
        return close(code, "re-authentication");  // [MQTT-4.12.1-2]
    send_auth(ReasonCode::success);
}

void Connection::send_auth(ReasonCode code) {
    environment_.properties.clear();
    environment_.properties.text(PropertyId::authentication_method, auth_->method);
    send_packet(wire::Auth{code, environment_.properties.view()});
}

}  // namespace ledge::session
