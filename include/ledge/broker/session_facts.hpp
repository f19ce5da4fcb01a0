// SessionFacts: one session in the list that operators get from Shard::list_sessions. SubscriptionFacts: one of its
// subscriptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"

namespace ledge::broker {

/// The views point into the shard. They are valid until the next call that changes the shard.
struct SessionFacts {
    std::string_view client_id;
    std::string_view owner;    // the authenticated user; "" = the session belongs to no user
    std::string_view address;  // remote address of the connection; "" = the session is offline
    bool is_connected = false;
    std::size_t subscriptions = 0;
    std::size_t messages = 0;              // waiting in the queue or in flight
    std::optional<Duration> expires_in{};  // empty = the session is connected, or never expires
};

struct SubscriptionFacts {
    std::string filter;    // as the client has written it
    std::uint32_t id = 0;  // Subscription Identifier; 0 = none

    friend bool operator==(const SubscriptionFacts&, const SubscriptionFacts&) = default;
};

}  // namespace ledge::broker
