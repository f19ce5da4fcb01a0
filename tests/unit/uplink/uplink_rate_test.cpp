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
    explicit LimitedRig(const std::string& remote_prefix = "site/") {
        options.rate_bytes_per_second = rate;
        options.relay.routes[0].remote_prefix = remote_prefix;
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
    // The burst is half a second's worth and one message.
    CHECK(rig.arrived() >= 4);
    CHECK(rig.arrived() <= 6);
    std::size_t before = rig.arrived();
    for (int second = 0; second < 3; ++second) {
        for (int i = 0; i < 10; ++i) rig.passes(100ms);
        CHECK(rig.arrived() - before >= 9);  // each has more than 1000 bytes
        CHECK(rig.arrived() - before <= 10);
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

TEST_CASE("messages that are much longer at the upstream make no larger burst") {
    const std::string prefix = std::string(200, 'p') + "/";
    LimitedRig rig(prefix);
    // At the local broker all of them are less than half of what a second brings.
    rig.publishes(200, 1);
    const std::size_t bytes_min = prefix.size() + std::string_view("plant/a").size();
    const auto arrived = [&] { return rig.upstream().count("PUBLISH " + prefix); };
    CHECK(arrived() * bytes_min > rate / 3);
    CHECK(arrived() * bytes_min < rate * 2 / 3);
    rig.passes(10s);
    CHECK(arrived() == 200);
}

TEST_CASE("an upstream that has stopped to read does not get the bytes of that time as one burst") {
    constexpr std::size_t message_bytes = 100'000;
    Rig rig;
    rig.options.rate_bytes_per_second = 2 * message_bytes;
    rig.options.relay.keep_alive_s = 0;
    rig.runs();
    rig.upstreams.front().is_reading = false;
    // More than the kernel holds for a socket.
    for (int i = 0; i < 90; ++i) rig.local->publishes("plant/a", std::string(message_bytes, 'x'));
    rig.passes(40s);
    const std::size_t waiting_bytes = rig.uplink->relay().upstream_output().size();
    CHECK(waiting_bytes > 0);
    CHECK(waiting_bytes < 2 * message_bytes);
    CHECK(rig.uplink->next_deadline() > rig.driver.now() + 5s);  // nothing to do before the upstream reads
    const auto sent_before = rig.uplink->relay().counters().out;
    rig.upstreams.front().is_reading = true;
    rig.passes(1ms);
    CHECK(rig.uplink->relay().counters().out - sent_before <= 2);
    rig.passes(50s);
    CHECK(rig.uplink->relay().counters().out_done == 90);
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
