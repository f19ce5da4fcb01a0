// The overview: the figures that an operator looks at first. The text is that of GET /overview, and of the events of
// GET /stream. On the thread of the loop.
#pragma once

#include <span>
#include <string>

#include "ledge/base/json.hpp"

namespace ledge::broker {
struct SessionFacts;
}

namespace ledge::admin {

struct Site;

/// `slow`: the clients with the longest queues.
JsonWriter overview_of(Site& site, std::span<const broker::SessionFacts> slow);

/// The members of GET /store, into the open object.
void write_store(JsonWriter& body, const Site& site);

}  // namespace ledge::admin
