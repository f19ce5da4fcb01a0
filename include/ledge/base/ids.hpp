// The ids that several modules share. They are here, and not in the modules that give them out, so that a header that
// only passes an id on does not include those modules.
#pragma once

#include <cstdint>

#include "ledge/base/strong_id.hpp"

namespace ledge {

/// The position of a record in the journal. Tickets become durable in their order (journal/journal.hpp).
using Ticket = StrongId<struct TicketTag, std::uint64_t>;

/// There is no record to wait for. This ticket is always durable.
inline constexpr Ticket no_ticket{};

/// The ticket of a record that is never written, because the store has failed.
inline constexpr Ticket never_durable{~std::uint64_t{0}};

}  // namespace ledge
