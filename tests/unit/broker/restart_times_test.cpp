// What a restart does to intervals: expiry of sessions and messages, delays of wills. Time is logical: it goes on by
// what the broker has run and by what its driver believes of the calendar, never by the calendar itself.
#include "rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::broker {
namespace {

struct TimesRig : Rig {
    TimesRig() : Rig(stored_options()) {}
    bool has_session(const std::string& name) {
        (*this)[name].tries_to_connect(lasting);
        return (*this)[name].takes().starts_with("CONNACK success present");
    }
    /// Everything pending is written, so that the store knows the present time.
    void rests() { passes(2s); }
    Wish with_will(std::uint32_t delay, std::uint32_t expiry) {
        properties.clear();
        properties.number(PropertyId::will_delay_interval, delay);
        return {.clean = false,
                .expiry = expiry,
                .will = wire::Will{"will", as_bytes("gone"), qos1, false, properties.view()}};
    }
    /// A witness that is there again after each restart.
    std::string seen() {
        (*this)["w"].acknowledges().connects(lasting);
        passes(20ms);
        return (*this)["w"].takes();
    }
    wire::PropertyBuilder properties;
};

const Wish for_a_minute{.clean = false, .expiry = 60};

TEST_CASE("a session that was offline has what was left of its expiry, less the time believed to have passed") {
    for (const auto& [rest, is_there] : {std::pair<Duration, bool>{20s, true}, {55s, false}}) {
        TimesRig rig;
        rig["c"].connects(for_a_minute).loses_connection();
        rig.passes(10s);
        rig["x"].connects(lasting);  // something is written, and the time with it
        rig.rests();
        rig.restarts(rest);
        rig.passes(1s);
        CHECK(rig.has_session("c") == is_there);
        CHECK(rig.counters().sessions_expired == (is_there ? 0 : 1));
    }
}

TEST_CASE("a session that was connected counts from the crash on, and once: not anew from each restart") {
    TimesRig rig;
    rig["c"].connects(for_a_minute);
    rig.passes(1000s);
    rig.restarts();
    rig.rests();
    rig.restarts(40s);
    rig.passes(15s);
    CHECK(rig.metrics().sessions == 1);
    rig.passes(10s);
    CHECK(rig.metrics().sessions == 0);
    rig.passes(2s);
    rig.restarts();
    CHECK_FALSE(rig.has_session("c"));
}

TEST_CASE("a session without end survives any rest, and the will of one whose end has come is published at the start") {
    TimesRig rig;
    rig["w"].connects(lasting).subscribes("will", qos1);
    rig["c"].connects(rig.with_will(100, 60));
    rig["c"].loses_connection();
    rig.passes(10s);  // it stays away: from now on the store knows when the session ends
    rig.rests();
    rig.restarts(61s);
    CHECK(rig.counters().sessions_expired == 1);
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    CHECK_FALSE(rig.has_session("c"));
}

TEST_CASE("expiry without end does not depend on any clock") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.session_expiry_max_s = session::expiry_never;
    Rig rig(options);
    rig["c"].connects({.clean = false, .expiry = session::expiry_never}).loses_connection();
    rig.passes(2s);
    rig.restarts(std::chrono::hours(24 * 365 * 20));
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes() == "CONNACK success present");
}

TEST_CASE("a clock that stands still, or was set back, costs nobody his session or message") {
    TimesRig rig;
    rig["s"].connects(for_a_minute).subscribes("a", qos1);
    rig["s"].loses_connection();
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 30);
    rig["p"].connects().publishes("a", "x", qos1, false, expiry);
    const Instant before = rig.now;
    rig.restarts(0s);  // the driver believes in no progress when the calendar goes back
    CHECK(rig.now <= before);
    rig["s"].tries_to_connect(for_a_minute);
    rig.passes(20ms);
    CHECK(rig["s"].takes() == "CONNACK success present | PUBLISH a x q1#1 {02=30}");
}

TEST_CASE("[MQTT-3.3.2-5] a queued message expires by the time that has passed across a restart") {
    TimesRig rig;
    rig["s"].connects(lasting).subscribes("a", qos1);
    rig["s"].loses_connection();
    rig["p"].connects();
    for (const std::uint32_t seconds : {10U, 100U}) {
        wire::PropertyBuilder expiry;
        expiry.number(PropertyId::message_expiry_interval, seconds);
        rig["p"].publishes("a", std::to_string(seconds), qos1, false, expiry);
    }
    rig.restarts(40s);
    rig["s"].tries_to_connect(lasting);
    rig.passes(20ms);
    CHECK(rig["s"].takes() == "CONNACK success present | PUBLISH a 100 q1#2 {02=60}");
    CHECK(rig.counters().dropped_expired == 1);
}

TEST_CASE("a delayed will is published after its delay, across a restart, and only once") {
    TimesRig rig;
    rig["w"].connects(lasting).subscribes("will", qos1);
    rig["c"].connects(rig.with_will(20, 600)).loses_connection();
    rig.rests();
    rig.restarts();
    CHECK(rig.seen().empty());
    rig.passes(22s);
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    rig.rests();
    rig.restarts();
    rig.passes(30s);
    CHECK(rig.seen().empty());
}

TEST_CASE("who comes back in time after a restart cancels its delayed will") {
    TimesRig rig;
    rig["w"].connects(lasting).subscribes("will", qos1);
    rig["c"].connects(rig.with_will(20, 600));
    rig.restarts();
    rig.passes(10s);
    rig["c"].connects(lasting);
    rig.passes(30s);
    CHECK(rig.seen().empty());
    CHECK(rig.counters().wills_published == 0);
}

TEST_CASE("a will that DISCONNECT has removed does not come back, once that is written") {
    TimesRig rig;
    rig["w"].connects(lasting).subscribes("will", qos1);
    rig["c"].connects(rig.with_will(0, 60)).disconnects();
    rig.rests();
    rig.restarts();
    CHECK(rig.seen().empty());
}

}  // namespace
}  // namespace ledge::broker
