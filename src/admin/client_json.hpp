// The JSON of a client in lists. Stateless.
#pragma once

#include "ledge/base/json.hpp"

namespace ledge::broker {
struct SessionFacts;
}  // namespace ledge::broker

namespace ledge::admin {

/// Adds the members of a client to the open object.
void add_client(JsonWriter& body, const broker::SessionFacts& facts);

}  // namespace ledge::admin
