// Stranger: a hostile client. It sends noise, or a correct CONNECT and then damaged packets, and hangs up at will. It
// keeps to topics of its own, so that what it publishes by luck harms nobody's sums.
#pragma once

#include "ledge/base/rng.hpp"
#include "link.hpp"

namespace ledge::sim {

/// Appends some hostile bytes to what the stranger says.
void say_something_hostile(Link& link, Rng& rng, std::int32_t number);

}  // namespace ledge::sim
