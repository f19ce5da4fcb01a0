#include "ledge/uplink/server_order.hpp"

#include <doctest/doctest.h>

namespace ledge::uplink {
namespace {

const Instant start = Instant{} + 1h;

TEST_CASE("a round tries each server once, from the preferred one on") {
    ServerOrder order(3, 5min, 2h);
    CHECK(order.current() == 0);
    CHECK(order.on_failure());
    CHECK(order.current() == 1);
    CHECK(order.on_failure());
    CHECK(order.current() == 2);
    CHECK_FALSE(order.on_failure());
    CHECK(order.current() == 0);
}

TEST_CASE("a single server has no rounds and no probes") {
    ServerOrder order(1, 5min, 2h);
    Rng rng(1);
    CHECK_FALSE(order.on_failure());
    order.on_proven(start, rng);
    CHECK(order.current() == 0);
    CHECK(order.probe_at() == never);
}

TEST_CASE("the end of a proven connection begins a new round with the preferred server") {
    ServerOrder order(3, 5min, 2h);
    Rng rng(1);
    order.on_failure();
    order.on_proven(start, rng);
    CHECK_FALSE(order.on_failure());
    CHECK(order.current() == 0);
    CHECK(order.probe_at() == never);
}

TEST_CASE("while another server is in use, the preferred one is probed after half to all of a pause that doubles") {
    ServerOrder order(2, 10min, 25min);
    Rng rng(1);
    order.on_failure();
    CHECK(order.probe_at() == never);  // nothing is proven yet
    order.on_proven(start, rng);
    Instant now = start;
    for (const Duration pause : {Duration(10min), Duration(20min), Duration(25min), Duration(25min)}) {
        CHECK(order.probe_at() >= now + pause / 2);
        CHECK(order.probe_at() <= now + pause + Duration(1));
        now = order.probe_at();
        order.on_probe_begun();
        CHECK(order.probe_at() == never);
        order.on_probe_failed(now, rng);
    }
}

TEST_CASE("a return that does not hold doubles the pause; one that holds makes it short again") {
    ServerOrder order(2, 10min, 2h);
    Rng rng(1);
    order.on_failure();
    order.on_proven(start, rng);
    order.on_return();
    CHECK(order.current() == 0);
    CHECK(order.on_failure());  // the preferred server accepts connections, but it does not work
    order.on_proven(start, rng);
    CHECK(order.probe_at() >= start + 10min);
    order.on_return();
    order.on_proven(start, rng);
    CHECK_FALSE(order.on_failure());
    CHECK(order.on_failure());
    order.on_proven(start, rng);
    CHECK(order.probe_at() <= start + 10min);
}

}  // namespace
}  // namespace ledge::uplink
