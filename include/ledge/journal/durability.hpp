// Durability: how safely a publication is kept, and what its acknowledgement waits for.
#pragma once

#include <cstdint>

namespace ledge::journal {

/// What a publication survives (README: durability levels).
enum class Durability : std::uint8_t {
    ram,      // survives no crash: never stored
    relaxed,  // acknowledged at once; survives a crash that comes after the commit interval
    durable,  // survives every crash after its acknowledgement
};

}  // namespace ledge::journal
