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

/// The position of a message in the queue of one session, for the life of the session. The first row is 1.
using QueueRow = StrongId<struct QueueRowTag, std::uint64_t>;

/// The message has no row yet, or the queue has no rows.
inline constexpr QueueRow no_row{};

/// The number of a topic filter in a FilterTrie (topic/filter_trie.hpp). Numbers are dense from 0, and the number of an
/// erased filter is used again.
using FilterId = StrongId<struct FilterIdTag, std::uint32_t>;

/// No filter has this number.
inline constexpr FilterId no_filter{~std::uint32_t{0}};

/// The number of a group of shared subscriptions, valid for one run of the broker. broker/share_groups.hpp gives the
/// layout of the number.
using ShareGroupId = StrongId<struct ShareGroupIdTag, std::uint32_t>;

/// A subscription is not shared, or a delivery does not come from a shared subscription.
inline constexpr ShareGroupId no_share_group{};

}  // namespace ledge
