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

/// The number of a session's record in the store.
using SessionNumber = StrongId<struct SessionNumberTag, std::uint64_t>;

/// The session has no record, or a record belongs to no session.
inline constexpr SessionNumber no_session{};

/// The number of a message's record in the store. The queues of several sessions can refer to one message.
using MessageNumber = StrongId<struct MessageNumberTag, std::uint64_t>;

/// The message has no record.
inline constexpr MessageNumber no_message{};

}  // namespace ledge
