#include "login_failures.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::session {

namespace {
constexpr std::size_t logged_name_bytes_max = 64;
}  // namespace

void note_failed_login(const ConnectionServices& services, const PeerFacts& peer, std::string_view user,
                       std::string_view client_id, std::string_view reason) {
    ++services.counters.login_failures;
    services.log.info("login_failed", {{"user", user.substr(0, logged_name_bytes_max)},
                                       {"client_id", client_id.substr(0, logged_name_bytes_max)},
                                       {"address", peer.address},
                                       {"reason", reason}});
}

void note_guess(const ConnectionServices& services, const PeerFacts& peer, const auth::LoginSource& source,
                Instant now) {
    if (!services.guard.on_failure(source, now)) return;
    const auth::LoginLimits& login = services.policy->login;
    services.log.warning("login_blocked", {{"address", to_text(peer.network)},
                                           {"names", source.name == 0 ? "all names that no user has" : "one user name"},
                                           {"reason", "too many failed logins"},
                                           {"key", "auth.login_failures_max"},
                                           {"limit", login.failures_max},
                                           {"window_s", login.window / 1s},
                                           {"block_s", login.block_time / 1s}});
}

Ending blocked_login() {
    return end_with(wire::ReasonCode::connection_rate_exceeded,
                    "too many failed logins of this name from this address (auth.login_failures_max), try later");
}

}  // namespace ledge::session
