// Which reason codes may stand in which packet (5.0: the tables of sections 3.2.2.2 to 3.15.2.1, and 2.4).
// Private to wire.
#pragma once

#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// False for codes the standard does not list for `type`, also for packets that carry none. Both directions are
/// allowed: who may send what is the session's business.
bool is_code_of(PacketType type, std::uint8_t code);

}  // namespace ledge::wire
