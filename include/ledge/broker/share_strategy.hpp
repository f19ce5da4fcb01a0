// ShareStrategy: an option of the shard.
#pragma once

#include <cstdint>

namespace ledge::broker {

/// How the broker picks the member of a shared subscription group that gets a message. The standard leaves the choice
/// to the server (5.0 section 4.8.2).
enum class ShareStrategy : std::uint8_t { round_robin, random, sticky_publisher, least_inflight };

}  // namespace ledge::broker
