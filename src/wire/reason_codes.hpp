// The reason codes that each packet may have (5.0: the tables of sections 3.2.2.2 to 3.15.2.1, and 2.4).
// Private to wire. Stateless.
#pragma once

#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// True if the standard lists `code` for packets of `type`. False for packets without reason codes. The function allows
/// the codes of both directions; the session checks whether a client may send a code.
bool is_code_of(PacketType type, std::uint8_t code);

}  // namespace ledge::wire
