// What operators are told of a session.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ledge/base/time.hpp"

namespace ledge::broker {

/// Views live until the shard is used again.
struct SessionFacts {
    std::string_view client_id;
    std::string_view owner;    // the user; "": none has been proven
    std::string_view address;  // of its connection
    bool is_connected = false;
    std::size_t subscriptions = 0;
    std::size_t messages = 0;              // waiting or in flight
    std::optional<Duration> expires_in{};  // nothing: connected, or without end
};

}  // namespace ledge::broker
