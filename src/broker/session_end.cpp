// Lifecycle: ends a session for good, whether its client is connected or not.
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

bool Lifecycle::remove(std::string_view client_id, Instant now) {
    session::Session* session = sessions_.find(client_id);
    if (session == nullptr) return false;
    services_.log.warning("session_removed", {{"client_id", client_id},
                                              {"owner", session->owner()},
                                              {"reason", "an operator removed it"},
                                              {"messages", session->queue().size()}});
    end_for_good(*session, wire::ReasonCode::administrative_action, "an operator removed the session", now);
    services_.journal.request_commit();  // the operator expects that the removal survives a crash
    return true;
}

void Lifecycle::end_for_good(session::Session& session, wire::ReasonCode code, std::string_view reason, Instant now) {
    const std::string client_id(session.client_id());
    if (session.is_online()) {
        session::Connection& connection = *session.connection();
        connection.close(code, reason);
        detach(connection, now);
    }
    // A clean session has ended with its connection already.
    if (session::Session* left = sessions_.find(client_id)) end(*left, now);
}

// True when no client can log in as the owner any more: the password file is the only way to prove a user name, and it
// does not contain this name.
bool Lifecycle::is_owner_removed(const session::Session& session) const {
    const auth::Policy& policy = *services_.policy;
    const bool is_file_all = policy.passwords && !policy.tokens && !policy.hook && !has_other_users_;
    return is_file_all && policy.passwords->find(session.owner()) == nullptr;
}

}  // namespace ledge::broker
