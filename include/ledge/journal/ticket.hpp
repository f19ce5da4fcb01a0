// The words of durability: how safe a publication is kept, and what its acknowledgement waits for.
#pragma once

#include <cstdint>

namespace ledge::journal {

/// Position of a record in the journal; 0: nothing to wait for.
using Ticket = std::uint64_t;

/// The ticket of a record that a failed store will not write.
inline constexpr Ticket never_durable = ~Ticket{0};

/// What a publication survives (README: durability levels).
enum class Durability : std::uint8_t {
    ram,      // nothing
    relaxed,  // a crash after at most the commit interval; acknowledged at once
    durable,  // a crash at any time after its acknowledgement
};

}  // namespace ledge::journal
