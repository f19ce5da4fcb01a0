// Revocation: what becomes of clients whose rights shrink. An option of the policy.
#pragma once

#include <cstdint>

namespace ledge::auth {

/// What happens to a connected client when new rules forbid one of its subscriptions. The rights of the client change
/// at once in both cases.
enum class Revocation : std::uint8_t {
    disconnect,   // the client is disconnected with 0x87
    unsubscribe,  // the forbidden subscriptions are removed
};

}  // namespace ledge::auth
