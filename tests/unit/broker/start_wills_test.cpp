// Wills across the end of the broker: whose connection the broker has ended, by a stop or a crash, has the time to come
// back. And what DISCONNECT has removed does not come back.
#include "rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::broker {
namespace {

struct StartRig : Rig {
    explicit StartRig(const ShardOptions& options = stored_options()) : Rig(options) {
        (*this)["w"].connects(lasting).subscribes("#", qos1);
    }
    /// Of a client that leaves a will; `expiry` 0: its session ends with its connection.
    static Wish with_will(std::uint16_t keep_alive, std::uint32_t expiry, const wire::Will& will = last_words) {
        return {.clean = expiry == 0, .expiry = expiry, .keep_alive = keep_alive, .will = will};
    }
    void leaves(const Wish& wish) {
        (*this)["c"].connects(wish);
        passes(2s);  // written
    }
    void ends(bool in_order) {
        if (in_order) {
            shard->shut_down(now);
            settle();
            commits();
        }
        CHECK(counters().wills_published == 0);
        restarts();
        CHECK(seen().empty());
    }
    std::string seen() {
        Client& w = (*this)["w"];
        if (!w.is_open()) w.acknowledges().connects(lasting);
        return w.takes();
    }
    static inline const wire::Will last_words{"will", as_bytes("gone"), qos1, false, {}};
};

TEST_CASE("[MQTT-3.1.2-8] a stop and a crash defer a will by one and a half times the keep alive of its client") {
    for (const bool in_order : {true, false}) {
        for (const std::uint32_t expiry : {3600U, 0U}) {
            CAPTURE(in_order);
            CAPTURE(expiry);
            StartRig rig;
            rig.leaves(StartRig::with_will(20, expiry));
            rig.ends(in_order);
            rig.passes(29s);
            CHECK(rig.seen().empty());
            rig.passes(2s);
            CHECK(rig.seen() == "PUBLISH will gone q1#1");
            rig.passes(2s);
            rig.restarts();
            rig.passes(100s);
            CHECK(rig.seen().empty());
            CHECK(rig.metrics().sessions == (expiry == 0 ? 1 : 2));
        }
    }
}

TEST_CASE("who is back in time has not gone: its will is not published, whatever kind of session it begins") {
    for (const std::uint32_t expiry : {3600U, 0U}) {
        for (const bool is_clean : {true, false}) {
            CAPTURE(expiry);
            CAPTURE(is_clean);
            StartRig rig;
            rig.leaves(StartRig::with_will(20, expiry));
            rig.ends(false);
            rig.passes(25s);
            rig["c"].tries_to_connect({.clean = is_clean, .expiry = 3600});
            rig.passes(1s);
            const bool is_resumed = expiry > 0 && !is_clean;
            CHECK(rig["c"].takes() == (is_resumed ? "CONNACK success present" : "CONNACK success"));
            rig.passes(100s);
            rig.restarts();
            rig.passes(100s);
            CHECK(rig.seen().empty());
        }
    }
}

TEST_CASE("who is back before the start has been written down has not gone either, nor after another crash") {
    StartRig rig;
    rig.leaves(StartRig::with_will(20, 0));
    rig.ends(false);
    rig.writes = false;
    rig["c"].connects();
    rig.commits();
    rig.writes = true;
    rig.restarts();
    rig.passes(100s);
    CHECK(rig.seen().empty());
    CHECK(rig.store->load()->sessions.size() == 1);
}

TEST_CASE("ten seconds at least, a minute for a client without keep alive, and the delay of the will if it is longer") {
    for (const auto& [keep_alive_s, delay, due] :
         {std::tuple{5, 0, 10s}, std::tuple{0, 0, 60s}, std::tuple{20, 90, 90s}}) {
        const int keep_alive = keep_alive_s;
        CAPTURE(keep_alive);
        StartRig rig;
        wire::PropertyBuilder properties;
        properties.number(PropertyId::will_delay_interval, static_cast<std::uint32_t>(delay));
        const wire::Will will{"will", as_bytes("gone"), qos1, false, properties.view()};
        rig.leaves(StartRig::with_will(static_cast<std::uint16_t>(keep_alive), 3600, will));
        rig.ends(true);
        rig.passes(due - 1s);
        CHECK(rig.seen().empty());
        rig.passes(2s);
        CHECK(rig.seen() == "PUBLISH will gone q1#1");
    }
}

TEST_CASE("the time to come back counts from the first start, a later one leaves ten seconds of it at least") {
    StartRig rig;
    rig.leaves(StartRig::with_will(20, 3600));
    rig.ends(false);
    rig.passes(2s);  // written
    rig.restarts(23s);
    rig.passes(9s);
    CHECK(rig.seen().empty());
    rig.passes(2s);
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
}

TEST_CASE("[MQTT-3.1.2-8] a session that ends before that takes its will along") {
    StartRig rig;
    rig.leaves(StartRig::with_will(60, 20));
    rig.ends(true);
    rig.passes(21s);
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    CHECK(rig.counters().sessions_expired == 1);
}

TEST_CASE("without a session of its client a will is kept if somebody could have it later and its topic is not ram") {
    ShardOptions options = stored_options();
    options.durability.overrides = {{"ram", journal::Durability::ram}, {"relaxed", journal::Durability::relaxed}};
    for (const auto& [will, is_kept] : {std::pair{wire::Will{"will", {}, qos0, false, {}}, false},
                                        {wire::Will{"will", {}, qos0, true, {}}, true},
                                        {wire::Will{"relaxed", {}, qos1, false, {}}, true},
                                        {wire::Will{"ram", {}, qos1, true, {}}, false}}) {
        StartRig rig(options);
        rig.leaves(StartRig::with_will(20, 0, will));
        rig.ends(false);
        rig.passes(31s);
        CHECK(rig.counters().wills_published == (is_kept ? 1 : 0));
        CHECK(rig["c"].connects().is_open());
    }
}

TEST_CASE("a client whose identifier the broker has chosen comes back under another: its will is not kept for it") {
    StartRig rig;
    rig[""].connects(StartRig::with_will(20, 0));
    rig.passes(2s);
    rig.ends(false);
    rig.passes(100s);
    CHECK(rig.counters().wills_published == 0);
}

TEST_CASE("an unclean end, a DISCONNECT and a second connection leave no will of a session-less client in the store") {
    StartRig rig;
    const auto rows = [&] { return rig.store->load()->sessions.size(); };
    rig.leaves(StartRig::with_will(20, 0));
    CHECK(rows() == 2);
    rig.leaves(StartRig::with_will(20, 0));  // the first connection is lost
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    CHECK(rows() == 2);
    rig["c"].disconnects();
    rig.passes(2s);
    CHECK(rows() == 1);
}

TEST_CASE(
    "[MQTT-3.1.2-10] [MQTT-3.14.4-3] what DISCONNECT says is written soon: a crash does not bring the will back") {
    for (const std::uint32_t expiry : {3600U, 0U}) {
        CAPTURE(expiry);
        StartRig rig;
        rig.leaves(StartRig::with_will(20, expiry));
        rig.writes = false;
        rig["c"].disconnects();
        CHECK_FALSE(rig.shard->wants_commit(rig.now));
        CHECK(rig.shard->commit_deadline() == rig.now + journal::JournalOptions{}.commit_delay);
        rig.commits();
        rig.writes = true;
        rig.ends(false);
        rig.passes(100s);
        CHECK(rig.seen().empty());
    }
}

TEST_CASE("the expiry that DISCONNECT sets is written soon, 0 too") {
    for (const std::uint32_t expiry : {10U, 0U}) {
        CAPTURE(expiry);
        StartRig rig;
        rig.leaves(lasting);
        rig.writes = false;
        rig["c"].disconnects(ReasonCode::success, expiry);
        CHECK_FALSE(rig.shard->wants_commit(rig.now));
        CHECK(rig.shard->commit_deadline() == rig.now + journal::JournalOptions{}.commit_delay);
        rig.commits();
        rig.writes = true;
        rig.restarts();
        rig.passes(12s);
        CHECK(rig.metrics().sessions == 1);
    }
}

TEST_CASE("a DISCONNECT that changes nothing costs no commit of its own") {
    StartRig rig;
    rig.leaves(lasting);
    rig.writes = false;
    rig["c"].disconnects();
    CHECK_FALSE(rig.shard->wants_commit(rig.now));
    CHECK(rig.shard->commit_deadline() == never);
}

}  // namespace
}  // namespace ledge::broker
