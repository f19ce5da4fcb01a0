// Reason codes after which the same message may be accepted later. Stateless.
#pragma once

#include "ledge/wire/types.hpp"

namespace ledge::bridge {

/// True: the receiver has refused a message because of its own state, so the message stays with its sender and the
/// connections end; the sender repeats it. False: the receiver would refuse it again.
inline bool is_temporary(wire::ReasonCode code) {
    return code == wire::ReasonCode::quota_exceeded || code == wire::ReasonCode::message_rate_too_high ||
           code == wire::ReasonCode::server_busy || code == wire::ReasonCode::packet_identifier_in_use;
}

}  // namespace ledge::bridge
