// RetainedLimits: how many retained messages the broker keeps, and how much of them in memory.
#pragma once

#include <cstdint>

namespace ledge::broker {

struct RetainedLimits {
    std::uint32_t messages_max = 100'000;
    std::uint64_t bytes_max = 64 * 1024 * 1024;       // topics, properties and payloads together
    std::uint64_t cache_bytes_max = 8 * 1024 * 1024;  // retained messages that were loaded back from the store
};

}  // namespace ledge::broker
