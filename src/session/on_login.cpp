// CONNECT with a user name: the connection waits while its password is checked elsewhere.
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
}

void Connection::await_login(const wire::Connect& packet, Bytes frame, const auth::Answer& answer, Instant now) {
    if (environment_.guard.is_blocked(address_, now)) return refuse_blocked();
    if (!environment_.logins.add(*this, answer, packet.password.value_or(Bytes{}), frame.size()))
        return refuse_connect(ReasonCode::server_busy, "too many clients are logging in");
    login_ = std::make_unique<PendingLogin>(PendingLogin{auth::Secret(frame), {}});
    state_ = State::awaiting_login;
}

void Connection::refuse_blocked() {
    refuse_connect(ReasonCode::connection_rate_exceeded, "too many wrong passwords from this address, try later");
}

void Connection::hold_input(Bytes bytes) {
    if (!environment_.logins.hold(*this, bytes.size()))
        return refuse_connect(ReasonCode::quota_exceeded, "too many bytes before the answer to CONNECT");
    login_->held_input.insert(login_->held_input.end(), bytes.begin(), bytes.end());
}

void Connection::on_password_checked(bool is_right, std::uint64_t credential, Instant now, Effect& effect) {
    if (state_ != State::awaiting_login) return;  // it has timed out
    state_ = State::awaiting_connect;
    const auto connect = wire::decode_connect(login_->connect_frame.bytes());
    const std::string_view user = connect->user_name.value_or("");
    // The file may have been read again meanwhile.
    const auth::PasswordFile::Entry* entry =
        environment_.policy.passwords ? environment_.policy.passwords->find(user) : nullptr;
    if (is_right && entry != nullptr && auth::credential_of(entry->hash) == credential)
        return admit(*connect, user, credential, effect);  // its views stay valid until end_login()
    ++environment_.counters.login_failures;
    environment_.log.info("login_failed", {{"user", user.substr(0, logged_user_bytes_max)},
                                           {"client_id", connect->client_id.substr(0, logged_user_bytes_max)},
                                           {"address", address_}});
    if (environment_.guard.on_failure(address_, now))
        environment_.log.warning("address_blocked",
                                 {{"address", auth::address_of(address_)}, {"reason", "too many wrong passwords"}});
    refuse_connect(ReasonCode::bad_user_name_or_password, "wrong user name or password");
}

std::vector<Byte> Connection::end_login() {
    const std::unique_ptr<PendingLogin> login = std::move(login_);
    return login == nullptr ? std::vector<Byte>{} : std::move(login->held_input);
}

}  // namespace ledge::session
