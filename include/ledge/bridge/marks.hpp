// Marks: two user properties that tell how a message has travelled between brokers, so that a ring of bridges can be
// noticed (MQTT 5). Stateless.
//
//     ledge-origin   the id of the gateway whose bridge has carried the message first
//     ledge-hops     the number of bridges that have carried the message, in decimal digits
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/wire/properties.hpp"

namespace ledge::bridge {

struct Marks {
    std::string_view origin;  // "" = the message has no marks
    std::uint32_t hops = 0;   // a value that is no number counts as 0
};

/// The marks of a message; the view belongs to the properties.
Marks marks_of(const wire::Properties& properties);

struct Carried {
    bool is_marked = false;                // write marks: origin (kept if there is one) and hops + 1
    std::string_view own_id = {};          // the origin to write if there is none
    std::string_view response_topic = {};  // "" = the response topic stays as it is
    std::uint32_t waited_s = 0;  // subtracted from the Message Expiry Interval [MQTT-3.3.2-6]; 1 s stays at least
};

/// Writes to `out` the properties of a PUBLISH as a relay passes them on: all of them in their order, except Topic
/// Alias and Subscription Identifier, which belong to one connection.
void carry_properties(const wire::Properties& in, const Carried& how, wire::PropertyBuilder& out);

}  // namespace ledge::bridge
