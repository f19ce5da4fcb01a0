// Validates a property block that does not come from a packet. The store keeps such blocks, and a block that is read
// back from the disk may be damaged. Stateless.
#pragma once

#include <optional>

#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// Validates a block without its length prefix, by the rules for a packet of type `place`. nullopt = a decoder would
/// refuse a packet with this block.
std::optional<Properties> parse_properties(Bytes raw, PacketType place);

}  // namespace ledge::wire
