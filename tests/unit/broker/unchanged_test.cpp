// Nothing changed, nothing written: what a client repeats costs the flash nothing, and waits for no commit.
#include "rig.hpp"

namespace ledge::broker {
namespace {

struct Still : Rig {
    Still() : Rig(stored_options()) {}
    /// Everything pending is written; from then on commits only come by hand.
    void settles() {
        passes(2s);
        commits();
        writes = false;
    }
    bool has_nothing_to_write() const { return shard->commit_deadline() == never; }
};

const Wish for_an_hour{.clean = false, .expiry = 3600};

TEST_CASE("a client that comes back soon with the same subscriptions writes nothing and waits for nothing") {
    for (const Wish& wish : {for_an_hour, lasting_v311}) {
        Still rig;
        rig["c"].connects(wish).subscribes("a/+", qos1).subscribes("$share/g/b", qos1);
        rig.settles();
        for (int i = 0; i < 20; ++i) {
            i % 2 == 0 ? rig["c"].loses_connection() : rig["c"].disconnects();
            rig.passes(60s);
            rig["c"].connects(wish).subscribes("a/+", qos1).subscribes("$share/g/b", qos1);
            CHECK(rig.has_nothing_to_write());
        }
        rig["c"].answer_to_subscribe("a/+");  // with QoS 0: its answer waits for the commit
        CHECK_FALSE(rig.has_nothing_to_write());
    }
}

TEST_CASE("SUBACK of a repeated SUBSCRIBE waits while the record of the first is still on its way") {
    Still rig;
    rig["c"].connects(for_an_hour);
    rig.settles();
    for (int i = 0; i < 2; ++i) {
        std::vector<Byte> entries;
        wire::append_entry(entries, {"a", {qos1}}, true);
        rig["c"].sends(encoded(wire::Subscribe{9, {entries, true}, {}}, v5));
        CHECK(rig["c"].takes().empty());
    }
    rig.commits();
    CHECK(rig["c"].takes() == "SUBACK 9 1 | SUBACK 9 1");
}

TEST_CASE("a client that stays away has its end written, once, and it is the right one") {
    Still rig;
    rig["c"].connects(for_an_hour);
    rig.settles();
    rig["c"].loses_connection();
    rig.passes(440s);
    CHECK(rig.has_nothing_to_write());
    rig.passes(20s);  // an eighth of an hour is over
    CHECK_FALSE(rig.has_nothing_to_write());
    rig.commits();
    rig.restarts();
    rig.passes(3600s - 460s - 10s);
    CHECK(rig.metrics().sessions == 1);
    rig.passes(20s);
    CHECK(rig.metrics().sessions == 0);
}

TEST_CASE("a crash before the end is written begins the expiry anew: the session may live longer, never shorter") {
    Still rig;
    rig["c"].connects(for_an_hour);
    rig.settles();
    rig["c"].loses_connection();
    rig.passes(400s);
    rig.restarts();
    rig.passes(3600s - 10s);
    CHECK(rig.metrics().sessions == 1);
    rig.passes(20s);
    CHECK(rig.metrics().sessions == 0);
}

TEST_CASE("a broker that stops writes when its sessions end") {
    Still rig;
    rig["gone"].connects(for_an_hour);
    rig.settles();
    rig["gone"].loses_connection();
    rig.passes(400s);
    rig.shard->shut_down(rig.now);
    rig.commits();
    rig.restarts();
    rig.passes(3600s - 400s - 10s);
    CHECK(rig.metrics().sessions == 1);
    rig.passes(20s);
    CHECK(rig.metrics().sessions == 0);
}

TEST_CASE("a sensor that retains the same value again writes nothing and is acknowledged at once") {
    Still rig;
    rig["p"].connects();
    rig["p"].publishes("t", "20.5", qos1, true);
    rig.settles();
    rig["s"].connects().subscribes("t");
    rig["s"].forgets();
    CHECK(rig["p"].publishes("t", "20.5", qos1, true) == "success");
    CHECK(rig["s"].takes() == "PUBLISH t 20.5");  // who listens is told all the same
    CHECK(rig.has_nothing_to_write());
    rig["p"].publishes("t", "20.5", qos0, true);
    CHECK_FALSE(rig.has_nothing_to_write());  // the QoS is another one
}

TEST_CASE("the same value after a restart is known from the store") {
    Still rig;
    rig["p"].connects();
    rig["p"].publishes("t", "20.5", qos1, true);
    rig.settles();
    rig.restarts();
    rig["p"].connects();
    CHECK(rig["p"].publishes("t", "20.5", qos1, true) == "no_matching_subscribers");
    CHECK(rig.has_nothing_to_write());
    rig["p"].publishes("t", "20.6", qos1, true);
    CHECK_FALSE(rig.has_nothing_to_write());
}

TEST_CASE("a value with an expiry is written each time: its interval begins anew") {
    Still rig;
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 100);
    rig["p"].connects();
    rig["p"].publishes("t", "1", qos0, true, expiry);
    rig.settles();
    rig["p"].publishes("t", "1", qos0, true, expiry);
    CHECK_FALSE(rig.has_nothing_to_write());
    rig.commits();
    rig["p"].publishes("t", "1", qos0, true);  // for ever now
    CHECK_FALSE(rig.has_nothing_to_write());
}

}  // namespace
}  // namespace ledge::broker
