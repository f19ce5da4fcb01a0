// CONNECT with credentials: the connection waits while they are checked elsewhere.
#include <utility>

#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/login_queue.hpp"
#include "pending_login.hpp"

namespace ledge::session {

using wire::ReasonCode;

namespace {
constexpr std::size_t logged_user_bytes_max = 64;

/// Names that the password file does not have cost nobody who has one his turn.
bool is_of_nobody(const auth::LoginCheck& check) {
    const auto* password = std::get_if<auth::PasswordCheck>(&check);
    return password != nullptr && !password->is_user_known;
}
}  // namespace

void Connection::take_proven_user(std::string_view user) {
    identity_ = std::make_unique<auth::Identity>();
    identity_->user = std::string(user);
    identity_->proof = auth::Proof::tls;
}

void Connection::await_login(const wire::Connect& packet, Bytes frame, auth::LoginCheck check, Instant now) {
    const auth::LoginSource source =
        services_.guard.source_of(network_, packet.user_name.value_or(""), is_of_nobody(check));
    if (services_.guard.is_blocked(source, now)) return refuse_blocked();
    const LoginQueue::Added added =
        services_.logins.add(*this, std::move(check), source, frame.size(), services_.guard, now);
    if (added.gave_way != nullptr) added.gave_way->refuse_busy();
    if (!added.is_in) return refuse_busy();
    login_ = std::make_unique<PendingLogin>(PendingLogin{auth::Secret(frame), {}, source});
    state_ = State::awaiting_login;
}

void Connection::refuse_busy() { refuse_connect(ReasonCode::server_busy, "too many clients are logging in"); }

void Connection::refuse_blocked() {
    refuse_connect(ReasonCode::connection_rate_exceeded,
                   "too many failed logins of this name from this address (auth.login_failures_max), try later");
}

void Connection::hold_input(Bytes bytes) {
    // While it is postponed it is not read: this is the rest of one read, or of two after a login.
    const bool is_too_much = state_ == State::awaiting_turn
                                 ? login_->held_input.size() + bytes.size() > 3 * LoginQueue::held_bytes_max
                                 : !services_.logins.hold(*this, bytes.size());
    if (is_too_much) return refuse_connect(ReasonCode::quota_exceeded, "too many bytes before the answer to CONNECT");
    login_->held_input.insert(login_->held_input.end(), bytes.begin(), bytes.end());
}

void Connection::on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect) {
    if (state_ != State::awaiting_login) return;  // it has timed out
    state_ = State::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    if (outcome.code == ReasonCode::success && !auth::is_still_proven(services_.policy, outcome.identity)) {
        outcome.code = ReasonCode::bad_user_name_or_password;
        outcome.reason = "the users have been changed meanwhile";
    }
    if (outcome.code != ReasonCode::success) return refuse_login(*connect, outcome, now);
    services_.guard.on_success(login_->source);
    if (outcome.valid_for) ends_at_ = now + *outcome.valid_for;
    admit(*connect, std::move(outcome.identity), effect);  // its views stay valid until end_login()
}

void Connection::refuse_login(const wire::Connect& connect, const auth::LoginOutcome& outcome, Instant now) {
    note_failed_login(connect.user_name.value_or(""), connect.client_id, outcome.reason);
    if (outcome.code == ReasonCode::bad_user_name_or_password) note_guess(login_->source, now);  // not: an old token
    if (outcome.is_unanswered) services_.guard.on_unanswered(login_->source, now);
    refuse_connect(outcome.code, outcome.reason, {}, &connect);
}

void Connection::note_failed_login(std::string_view user, std::string_view client_id, std::string_view reason) {
    ++services_.counters.login_failures;
    services_.log.info("login_failed", {{"user", user.substr(0, logged_user_bytes_max)},
                                        {"client_id", client_id.substr(0, logged_user_bytes_max)},
                                        {"address", address_},
                                        {"reason", reason}});
}

void Connection::note_guess(const auth::LoginSource& source, Instant now) {
    if (!services_.guard.on_failure(source, now)) return;
    const auth::LoginLimits& login = services_.policy.login;
    services_.log.warning("login_blocked", {{"address", to_text(network_)},
                                            {"names", source.name == 0 ? "those that no user has" : "one"},
                                            {"reason", "too many failed logins"},
                                            {"key", "auth.login_failures_max"},
                                            {"limit", login.failures_max},
                                            {"window_s", login.window / 1s},
                                            {"block_s", login.block_time / 1s}});
}

void Connection::postpone(const OpenSession& open, Instant until) {
    if (login_ == nullptr) {
        std::vector<Byte> frame(wire::encoded_size(open.connect));
        wire::Writer writer(frame);
        wire::encode(open.connect, writer);
        login_ = std::make_unique<PendingLogin>(PendingLogin{auth::Secret(Bytes(frame)), {}});
        auth::wipe(frame.data(), frame.size());
    }
    login_->client_id = open.client_id;
    state_ = State::awaiting_turn;
    services_.timers.set(timer_, until);
}

void Connection::hasten(Instant now) {
    if (is_postponed()) services_.timers.set(timer_, now);
}

void Connection::reopen(Effect& effect) {
    LEDGE_ASSERT(is_postponed());
    state_ = State::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    if (!connect.ok()) return refuse_connect(connect.error(), "CONNECT");
    if (identity_ != nullptr && !auth::is_still_proven(services_.policy, *identity_))
        return refuse_connect(ReasonCode::not_authorized, "the users have been changed meanwhile");
    effect = OpenSession{*connect, login_->client_id};  // its views stay valid until end_login()
}

std::vector<Byte> Connection::end_login() {
    const std::unique_ptr<PendingLogin> login = std::move(login_);
    count_input();
    return login == nullptr ? std::vector<Byte>{} : std::move(login->held_input);
}

}  // namespace ledge::session
