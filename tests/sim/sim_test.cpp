// Runs the simulated world. LEDGE_SIM_SEEDS: how many seeds; LEDGE_SIM_FIRST: the first of them; LEDGE_SIM_TRACE=1:
// print every event.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "world.hpp"

namespace {

using namespace ledge;
using namespace ledge::sim;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("no promise is broken in the simulated world") {
    const std::uint64_t seeds = setting("LEDGE_SIM_SEEDS", 200);
    const std::uint64_t first = setting("LEDGE_SIM_FIRST", 1);
    Report sum;
    std::uint64_t failures = 0;
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        World world(seed);
        if (setting("LEDGE_SIM_TRACE", 0) != 0) world.trace();
        const Report report = world.run();
        if (report.failure) ++failures;
        CHECK_MESSAGE(!report.failure, *report.failure);
        sum.events += report.events;
        sum.deliveries += report.deliveries;
        sum.counted_losses += report.counted_losses;
        sum.cuts += report.cuts;
        sum.kills += report.kills;
        if (failures >= 12) break;  // enough to think about
    }
    MESSAGE(seeds << " seeds: " << sum.events << " events, " << sum.deliveries << " deliveries, " << sum.counted_losses
                  << " counted losses, " << sum.cuts << " lost connections, " << sum.kills << " killed brokers");
    // A world in which nothing happens would prove nothing.
    if (seeds >= 50) {
        CHECK(sum.deliveries > 50 * seeds);
        CHECK(sum.cuts > seeds);
        CHECK(sum.kills > 0);
        CHECK(sum.counted_losses > 0);
    }
}

TEST_CASE("the same seed gives the same history, another one another") {
    const Report once = World(4711).run();
    const Report again = World(4711).run();
    const Report other = World(4712).run();
    CHECK(once.events > 100);
    CHECK(once.events == again.events);
    CHECK(once.hash == again.hash);
    CHECK(once.hash != other.hash);
}
