// How an uplink ends its connection when the upstream does not do its part.
#include "ledge/uplink/uplink.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using client::publish;
using wire::QoS;
using State = Uplink::State;

/// Publishes more than the kernel holds for a socket, and waits until nothing moves any more.
void fill_socket(Rig& rig, int messages) {
    constexpr int still_turns = 50;
    const std::string payload(60'000, 'x');
    for (int i = 0; i < messages; ++i) rig.local->publishes("plant/a", payload);
    int still = 0;
    REQUIRE(rig.until([&] { return (still = rig.uplink->wants_turn() ? 0 : still + 1) == still_turns; }));
    REQUIRE_FALSE(rig.uplink->relay().upstream_output().empty());
}

/// Time passes, and the upstream sends a message every second.
void passes_with_messages(Rig& rig, int seconds) {
    for (int i = 0; i < seconds; ++i) {
        rig.upstreams.front().sends(publish("site/cmd/b", "on", QoS::at_most_once, 0));
        rig.passes(1s);
    }
}

TEST_CASE("an upstream that reads nothing is left after a while, and every message stays with the local broker") {
    constexpr int messages = 200;
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.runs();
    upstream.is_reading = false;
    fill_socket(rig, messages);

    rig.uplink->stop(rig.driver.now());
    SUBCASE("a silent one after the client's time for an answer") {
        rig.passes(9s);
        CHECK(rig.uplink->state() == State::open);
        rig.passes(1s);
    }
    SUBCASE("one that sends messages: by force after ending_time_max") {
        passes_with_messages(rig, 19);
        CHECK(rig.uplink->state() == State::open);
        passes_with_messages(rig, 1);
    }
    CHECK(rig.uplink->state() == State::stopped);
    CHECK(rig.until([&] { return rig.shard.metrics().clients_connected == 1; }));  // the local client

    rig.uplink->start(rig.driver.now());
    REQUIRE(rig.until([&] { return upstream.accepted == 2; }));
    upstream.is_reading = true;
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == messages; }));
}

TEST_CASE("what the upstream sends after the end is read, so that no RST destroys DISCONNECT") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    SUBCASE("plain") {}
    SUBCASE("TLS") { rig.secures(); }
    rig.runs();
    upstream.is_reading = false;
    rig.uplink->stop(rig.driver.now());
    passes_with_messages(rig, 1);
    CHECK(rig.uplink->state() == State::open);
    CHECK(rig.shard.metrics().clients_connected == 1);  // the local broker's side does not wait
    upstream.is_reading = true;
    CHECK(rig.until_state(State::stopped));
    CHECK(upstream.has("DISCONNECT"));
    CHECK_FALSE(upstream.was_reset);
}

TEST_CASE("an upstream that does not end the connection after DISCONNECT is left after linger_time_max") {
    Rig rig;
    rig.runs();
    rig.upstreams.front().is_reading = false;
    rig.uplink->stop(rig.driver.now());
    SUBCASE("a silent one") {
        rig.passes(1s);
        CHECK(rig.uplink->state() == State::open);
        CHECK_FALSE(rig.uplink->wants_turn());  // the loop sleeps meanwhile
        rig.passes(1s);
    }
    SUBCASE("one that sends messages") {
        passes_with_messages(rig, 1);
        CHECK(rig.uplink->state() == State::open);
        passes_with_messages(rig, 1);
    }
    CHECK(rig.uplink->state() == State::stopped);
    CHECK(rig.uplink->next_deadline() == never);
}

}  // namespace
}  // namespace ledge::uplink
