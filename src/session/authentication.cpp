#include "authentication.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/packet_sender.hpp"
#include "ledge/session/session.hpp"
#include "login_failures.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

Authentication::Authentication(const ConnectionServices& services, const PeerFacts& peer, PacketSender& sender,
                               std::string_view method, Bytes frame, std::optional<auth::Exchange> exchange)
    : services_(services),
      peer_(peer),
      sender_(sender),
      method_(method),
      connect_frame_(frame),
      exchange_(std::move(exchange)) {}

std::unique_ptr<Authentication> Authentication::start(const ConnectionServices& services, const PeerFacts& peer,
                                                      PacketSender& sender, std::string_view method, Bytes frame) {
    auto exchange = auth::Exchange::start(*services.policy, method);
    if (!exchange) return nullptr;
    return std::unique_ptr<Authentication>(
        new Authentication(services, peer, sender, method, frame, std::move(exchange)));
}

void Authentication::forget_connect() {
    connect_frame_ = Secret();
    last_data_ = {};
}

bool Authentication::continues(const wire::Auth& packet) const {
    return packet.properties.text(PropertyId::authentication_method) == method_;
}

void Authentication::ask() { send(ReasonCode::continue_authentication, {}); }

auth::Exchange::Reply Authentication::reply_to(std::string_view data) {
    LEDGE_ASSERT(exchange_.has_value());
    return exchange_->on_message(*services_.policy, data, peer_.listener.allow_anonymous, services_.rng);
}

// Requires that the client's first message was processed: it tells the user name.
auth::LoginSource Authentication::source() const {
    const std::string_view user = exchange_->user();
    const auto& passwords = services_.policy->passwords;
    return services_.guard.source_of(peer_.network, user, !passwords || passwords->find(user) == nullptr);
}

Authentication::Step Authentication::on_message(std::string_view data, std::string_view client_id, Instant now) {
    auth::Exchange::Reply reply = reply_to(data);
    const auth::LoginSource from = source();
    if (services_.guard.is_blocked(from, now)) return {.ending = blocked_login()};
    if (reply.code == ReasonCode::continue_authentication) {
        send(reply.code, reply.data);
        return {};
    }
    if (reply.code != ReasonCode::success) {
        if (reply.is_guess) {
            note_failed_login(services_, peer_, exchange_->user(), client_id, reply.problem);
            note_guess(services_, peer_, from, now);
        }
        return {.ending = end_with(reply.code, reply.problem)};  // [MQTT-4.12.0-4]
    }
    services_.guard.on_success(from);
    exchange_.reset();
    last_data_ = std::move(reply.data);
    return {.identity = std::move(reply.identity)};
}

Ending Authentication::reauthenticate(const wire::Auth& packet, Session& session, Instant now) {
    const auto data = packet.properties.text(PropertyId::authentication_data);
    const bool is_start = packet.code == ReasonCode::reauthenticate;
    const bool is_answer = packet.code == ReasonCode::continue_authentication && exchange_;
    if (!is_start && !is_answer)
        return end_with(ReasonCode::protocol_error, "AUTH neither starts nor continues an authentication");
    if (is_start) {
        exchange_ = auth::Exchange::start(*services_.policy, method_);
        if (!exchange_)
            return end_with(ReasonCode::bad_authentication_method, "the authentication method is no longer known");
        if (!data) {
            ask();
            return nullptr;
        }
    }
    auth::Exchange::Reply reply = reply_to(data.value_or(""));
    const auth::LoginSource from = source();
    if (services_.guard.is_blocked(from, now))
        return end_with(ReasonCode::not_authorized, "too many failed logins of this name from this address");
    if (reply.code == ReasonCode::continue_authentication) {
        send(reply.code, reply.data);
        return nullptr;
    }
    if (reply.is_guess) {
        note_failed_login(services_, peer_, exchange_->user(), session.client_id(), reply.problem);
        note_guess(services_, peer_, from, now);
    }
    exchange_.reset();
    if (reply.code != ReasonCode::success) return end_with(reply.code, reply.problem);  // [MQTT-4.12.1-2]
    if (!session.renew_proof(reply.identity))
        return end_with(ReasonCode::not_authorized, "a re-authentication must not change the user");
    send(ReasonCode::success, reply.data);
    return nullptr;
}

void Authentication::send(ReasonCode code, std::string_view data) {
    services_.scratch.outbound.clear();
    services_.scratch.outbound.text(PropertyId::authentication_method, method_);
    if (!data.empty()) services_.scratch.outbound.text(PropertyId::authentication_data, data);
    sender_.send(wire::Auth{code, services_.scratch.outbound.view()});
}

}  // namespace ledge::session
