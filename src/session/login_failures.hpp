// Reports failed logins to the log, to the counters and to the guard that blocks guessing. Stateless; on the shard's
// thread.
#pragma once

#include <string_view>

#include "ledge/auth/login_guard.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"

namespace ledge::session {

/// Logs and counts one failed login. `user` and `client_id` are cut to a length that fits a log line.
void note_failed_login(const ConnectionServices& services, const PeerFacts& peer, std::string_view user,
                       std::string_view client_id, std::string_view reason);
/// The login failed because of a wrong secret. Counts the failure against the source, which may be blocked from now on.
void note_guess(const ConnectionServices& services, const PeerFacts& peer, const auth::LoginSource& source,
                Instant now);

/// The ending for a login whose source is blocked because of earlier guesses.
Ending blocked_login();

}  // namespace ledge::session
