// What operators get back from the actions of a shard. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::broker {

/// Clients that may not connect. Exactly one of the first three members is set.
struct BanSubject {
    std::string client_id;
    std::string user;
    std::string address;  // an IP address without a port
    std::string reason;   // for the log, and for clients if the policy explains itself
};

struct Ban : BanSubject {
    std::uint64_t number = 0;
    Instant until{};
};

enum class Kicked : std::uint8_t { done, offline, unknown };

/// The queue of one session is being cleared. The operator's side calls Shard::clear_queue() once a turn until it
/// returns true.
struct QueueClearing {
    std::string client_id;
    std::uint64_t messages = 0;  // cleared so far
    bool is_unknown = false;     // no session has the client id

    std::optional<QueueRow> until;  // the newest message when the clearing began
};

/// The outcome of Shard::publish().
struct OperatorPublication {
    wire::ReasonCode code = wire::ReasonCode::success;
    std::size_t matched = 0;    // sessions that the message was routed to
    Ticket ticket = no_ticket;  // for Shard::durability_of()
};

enum class Durable : std::uint8_t { pending, yes, never };

}  // namespace ledge::broker
