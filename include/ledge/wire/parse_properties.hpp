// Properties that do not come out of a packet: the store keeps blocks, and what it gives back may be damaged.
#pragma once

#include <optional>

#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::wire {

/// Judges a block, without a length prefix, as the decoder judges one in a packet of type `place`. Nothing when the
/// decoder would refuse it.
std::optional<Properties> parse_properties(Bytes raw, PacketType place);

}  // namespace ledge::wire
