#include "ledge/session/listener_counters.hpp"

namespace ledge::session {

// Reason codes belong to peers too (3.14.2.1), so an `if` for each kind, and "protocol" for all others.
void ListenerCounters::count_refusal(wire::ReasonCode code) {
    using enum wire::ReasonCode;
    if (code == bad_user_name_or_password || code == not_authorized || code == banned ||
        code == bad_authentication_method)
        ++refused_login;
    else if (code == quota_exceeded || code == server_busy || code == server_unavailable ||
             code == connection_rate_exceeded || code == server_shutting_down)
        ++refused_room;
    else
        ++refused_protocol;
}

}  // namespace ledge::session
