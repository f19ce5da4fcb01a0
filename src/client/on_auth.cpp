// AUTH (5.0 section 4.12): the server asks, and the application answers. The method is always the one of CONNECT.
#include "append.hpp"
#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PropertyId;

Event Client::on_auth(Bytes frame) {
    const auto packet = wire::decode_auth(frame, options_.version);
    if (!packet) return fail(Fault::undecodable, packet.error().rule);
    if (!options_.authentication_method) return fail(Fault::auth_without_method);
    if (packet->properties.text(PropertyId::authentication_method).value_or("") != *options_.authentication_method)
        return fail(Fault::auth_other_method);
    if (breaks_problem_information(packet->properties)) return fail(Fault::problem_information);
    const bool is_in_progress = state_ == State::greeting || is_reauthenticating_;
    const bool asks = packet->code == ReasonCode::continue_authentication;
    // The first authentication ends with CONNACK, a re-authentication with AUTH.
    const bool ends = packet->code == ReasonCode::success && is_reauthenticating_;
    if (!is_in_progress || (!asks && !ends)) return fail(Fault::auth_code);
    is_auth_asked_ = asks;
    if (ends) is_reauthenticating_ = false;
    return AuthStep{packet->code, packet->properties.text(PropertyId::authentication_data).value_or(""),
                    packet->properties};
}

bool Client::send_auth(std::string_view data) {
    if (!is_auth_asked_ || (state_ != State::greeting && state_ != State::connected)) return false;
    is_auth_asked_ = false;
    append_auth(ReasonCode::continue_authentication, data);
    return true;
}

bool Client::reauthenticate(std::string_view data) {
    if (!is_v5() || !is_connected() || is_reauthenticating_ || !options_.authentication_method) return false;
    is_reauthenticating_ = true;
    append_auth(ReasonCode::reauthenticate, data);
    return true;
}

void Client::append_auth(ReasonCode code, std::string_view data) {
    wire::PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, *options_.authentication_method);  // [MQTT-4.12.0-5]
    if (!data.empty()) properties.text(PropertyId::authentication_data, data);
    append(wire::Auth{code, properties.view()});
}

}  // namespace ledge::client
