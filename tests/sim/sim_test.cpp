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

struct Sum {
    std::uint64_t worlds = 0;
    std::uint64_t failures = 0;
    Report report;

    bool has_enough() const { return failures >= 12; }
    void run(std::uint64_t seed, const Plan& plan) {
        World world(seed, plan);
        if (setting("LEDGE_SIM_TRACE", 0) != 0) world.trace();
        const Report one = world.run();
        ++worlds;
        if (one.failure) ++failures;
        CHECK_MESSAGE(!one.failure, *one.failure);
        report.events += one.events;
        report.deliveries += one.deliveries;
        report.counted_losses += one.counted_losses;
        report.cuts += one.cuts;
        report.kills += one.kills;
        report.commits += one.commits;
    }
    void tell() const {
        MESSAGE(worlds << " worlds: " << report.events << " events, " << report.deliveries << " deliveries, "
                       << report.counted_losses << " counted losses, " << report.cuts << " lost connections, "
                       << report.commits << " commits, " << report.kills << " killed brokers");
    }
};

Sum run_seeds(std::uint64_t otherwise, bool has_store) {
    const std::uint64_t seeds = setting("LEDGE_SIM_SEEDS", otherwise);
    const std::uint64_t first = setting("LEDGE_SIM_FIRST", 1);
    Sum sum;
    for (std::uint64_t seed = first; seed < first + seeds && !sum.has_enough(); ++seed)
        sum.run(seed, Plan(seed, has_store));
    sum.tell();
    return sum;
}

}  // namespace

TEST_CASE("no promise is broken in the simulated world") {
    const Sum sum = run_seeds(200, false);
    // A world in which nothing happens would prove nothing.
    if (sum.worlds >= 50) {
        CHECK(sum.report.deliveries > 50 * sum.worlds);
        CHECK(sum.report.cuts > sum.worlds);
        CHECK(sum.report.kills > 0);
        CHECK(sum.report.counted_losses > 0);
    }
}

TEST_CASE("no promise is broken by crashes of a broker that has a store") {
    const Sum sum = run_seeds(1000, true);
    if (sum.worlds >= 50) {
        CHECK(sum.report.deliveries > 50 * sum.worlds);
        CHECK(sum.report.kills > sum.worlds);
        CHECK(sum.report.commits > 10 * sum.worlds);
    }
}

// LEDGE_SIM_CRASH_AT=step: only there.
TEST_CASE(
    "no promise is broken by a crash after any step of a short plan, whether the commit under way survives or not") {
    const std::uint64_t plans = setting("LEDGE_SIM_PLANS", 10);
    const std::uint64_t first = setting("LEDGE_SIM_FIRST", 1);
    const std::uint64_t only = setting("LEDGE_SIM_CRASH_AT", 0);
    Sum sum;
    for (std::uint64_t seed = first; seed < first + plans; ++seed) {
        Plan plan = Plan::of_crash_points(seed);
        for (std::uint64_t step = 1; step <= plan.steps && !sum.has_enough(); ++step) {
            if (only != 0 && step != only) continue;
            plan.crash_at = step;
            for (const bool is_kept : {false, true}) {
                plan.is_commit_kept = is_kept;
                sum.run(seed, plan);
            }
        }
    }
    sum.tell();
    CHECK(sum.report.kills == sum.worlds);
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
