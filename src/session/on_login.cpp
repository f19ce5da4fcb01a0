// CONNECT with credentials: the connection waits while they are checked elsewhere.
#include <utility>

#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"
#include "pending_login.hpp"

namespace ledge::session {

using wire::ReasonCode;

namespace {
constexpr std::size_t logged_user_bytes_max = 64;
}

void Connection::take_proven_user(std::string_view user) {
    identity_ = std::make_unique<auth::Identity>();
    identity_->user = std::string(user);
    identity_->proof = auth::Proof::tls;
}

void Connection::await_login(Bytes frame, auth::LoginCheck check, Instant now) {
    if (environment_.guard.is_blocked(address_, now)) return refuse_blocked();
    if (!environment_.logins.add(*this, std::move(check), frame.size()))
        return refuse_connect(ReasonCode::server_busy, "too many clients are logging in");
    login_ = std::make_unique<PendingLogin>(PendingLogin{auth::Secret(frame), {}});
    state_ = State::awaiting_login;
}

void Connection::refuse_blocked() {
    refuse_connect(ReasonCode::connection_rate_exceeded, "too many failed logins from this address, try later");
}

void Connection::hold_input(Bytes bytes) {
    if (!environment_.logins.hold(*this, bytes.size()))
        return refuse_connect(ReasonCode::quota_exceeded, "too many bytes before the answer to CONNECT");
    login_->held_input.insert(login_->held_input.end(), bytes.begin(), bytes.end());
}

void Connection::on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect) {
    if (state_ != State::awaiting_login) return;  // it has timed out
    state_ = State::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    if (outcome.code == ReasonCode::success && !auth::is_still_proven(environment_.policy, outcome.identity)) {
        outcome.code = ReasonCode::bad_user_name_or_password;
        outcome.reason = "the users have been changed meanwhile";
    }
    if (outcome.code != ReasonCode::success) return refuse_login(*connect, outcome, now);
    if (outcome.valid_for) ends_at_ = now + *outcome.valid_for;
    admit(*connect, std::move(outcome.identity), effect);  // its views stay valid until end_login()
}

void Connection::refuse_login(const wire::Connect& connect, const auth::LoginOutcome& outcome, Instant now) {
    const bool is_guess = outcome.code == ReasonCode::bad_user_name_or_password;  // not: an old token
    note_failed_login(connect.user_name.value_or(""), connect.client_id, outcome.reason, now, is_guess);
    refuse_connect(outcome.code, outcome.reason);
}

void Connection::note_failed_login(std::string_view user, std::string_view client_id, std::string_view reason,
                                   Instant now, bool is_guess) {
    ++environment_.counters.login_failures;
    environment_.log.info("login_failed", {{"user", user.substr(0, logged_user_bytes_max)},
                                           {"client_id", client_id.substr(0, logged_user_bytes_max)},
                                           {"address", address_},
                                           {"reason", reason}});
    if (is_guess && environment_.guard.on_failure(address_, now))
        environment_.log.warning("address_blocked",
                                 {{"address", auth::address_of(address_)}, {"reason", "too many failed logins"}});
}

std::vector<Byte> Connection::end_login() {
    const std::unique_ptr<PendingLogin> login = std::move(login_);
    count_input();
    return login == nullptr ? std::vector<Byte>{} : std::move(login->held_input);
}

}  // namespace ledge::session
