// A limited rate towards the upstream, in virtual time.
#include "ledge/uplink/uplink.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using client::publish;

constexpr std::uint64_t rate = 10'000;  // bytes per second
constexpr std::string_view message = "PUBLISH site/plant/a";

/// A rig whose uplink sends at most `rate`, and has not sent anything for longer than a burst.
struct LimitedRig : Rig {
    LimitedRig() {
        options.rate_bytes_per_second = rate;
        runs();
        passes(2s);
    }
    FakeUpstream& upstream() { return upstreams.front(); }
    void publishes(int count, std::size_t bytes) {
        for (int i = 0; i < count; ++i) local->publishes("plant/a", std::string(bytes, 'x'));
        passes(1ms);
    }
    std::size_t arrived() const { return upstreams.front().count(message); }
};

TEST_CASE("above the rate messages wait, and none is lost") {
    LimitedRig rig;
    rig.publishes(50, 1000);
    // The burst is a second's worth.
    CHECK(rig.arrived() >= 5);
    CHECK(rig.arrived() <= 11);
    std::size_t before = rig.arrived();
    for (int second = 0; second < 3; ++second) {
        for (int i = 0; i < 10; ++i) rig.passes(100ms);
        CHECK(rig.arrived() - before >= 8);
        CHECK(rig.arrived() - before <= 12);
        before = rig.arrived();
    }
    for (int i = 0; i < 20; ++i) rig.passes(100ms);
    CHECK(rig.arrived() == 50);
    CHECK(rig.uplink->relay().counters().out_done == 50);
}

TEST_CASE("while messages wait for the rate, the loop sleeps until tokens have returned") {
    LimitedRig rig;
    rig.publishes(50, 1000);
    const Instant now = rig.driver.now();
    CHECK_FALSE(rig.uplink->wants_turn());
    const Instant next = rig.uplink->next_deadline();
    CHECK(next > now);
    CHECK(next <= now + 1s);
    const std::size_t before = rig.arrived();
    rig.passes(next - now - 1us);
    CHECK(rig.arrived() == before);
    CHECK(rig.uplink->next_deadline() == next);
    rig.passes(1us);
    CHECK(rig.arrived() > before);
}

TEST_CASE("without messages no deadline of the rate wakes the loop") {
    LimitedRig rig;
    rig.publishes(50, 1000);
    rig.passes(10s);
    REQUIRE(rig.arrived() == 50);
    CHECK(rig.uplink->next_deadline() > rig.driver.now() + 5s);  // the keep alive
}

TEST_CASE("a message larger than the burst passes at once, and those behind it pay for it") {
    LimitedRig rig;
    rig.publishes(1, 60'000);
    CHECK(rig.arrived() == 1);
    rig.publishes(1, 10);
    rig.passes(4s);
    CHECK(rig.arrived() == 1);
    rig.passes(2s);
    CHECK(rig.arrived() == 2);
}

TEST_CASE("PINGREQ and the answers of the local broker do not wait so long that a connection ends") {
    LimitedRig rig;
    rig.publishes(1, 900'000);  // 90 s at this rate
    rig.publishes(1, 10);
    REQUIRE(rig.arrived() == 1);
    rig.passes(70s);
    CHECK(rig.upstream().has("PINGREQ"));
    CHECK(rig.upstream().accepted == 1);
    CHECK(rig.arrived() == 1);
    SUBCASE("an acknowledgement of the bridge for the upstream comes when tokens have returned") {
        rig.upstream().sends(publish("site/cmd/b", "on", wire::QoS::at_least_once, 7));
        rig.passes(30s);
        CHECK(rig.upstream().has("PUBACK 7"));
    }
    SUBCASE("a new connection does not wait for the tokens of the last one") {
        rig.upstream().hangs_up();
        REQUIRE(rig.until_state(Uplink::State::pausing));
        rig.passes(1s);
        CHECK(rig.until_relaying());
    }
}

TEST_CASE("messages that wait for the rate are a reason to stay connected") {
    Rig rig;
    rig.options.rate_bytes_per_second = rate;
    rig.options.is_on_demand = true;
    rig.options.idle_time = 5s;
    rig.starts();
    rig.uplink->wake(rig.driver.now());
    REQUIRE(rig.until_relaying());
    rig.local->publishes("plant/a", std::string(300'000, 'x'));
    rig.passes(1ms);
    rig.local->publishes("plant/a", "last");
    rig.passes(28s);
    CHECK(rig.uplink->state() == Uplink::State::open);
    rig.passes(4s);
    CHECK(rig.upstreams.front().count(message) == 2);
    rig.passes(10s);
    CHECK(rig.uplink->state() == Uplink::State::idle);
}

}  // namespace
}  // namespace ledge::uplink
