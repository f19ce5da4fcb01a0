// Ticket and Durability: how safely a publication is kept, and what its acknowledgement waits for.
#pragma once

#include <cstdint>

namespace ledge::journal {

/// The position of a record in the journal. 0 = there is no record to wait for.
using Ticket = std::uint64_t;

/// The ticket of a record that is never written, because the store has failed.
inline constexpr Ticket never_durable = ~Ticket{0};

/// What a publication survives (README: durability levels).
enum class Durability : std::uint8_t {
    ram,      // survives no crash: never stored
    relaxed,  // acknowledged at once; survives a crash that comes after the commit interval
    durable,  // survives every crash after its acknowledgement
};

}  // namespace ledge::journal
