// What happens to QoS 1 and 2 when the queue of a session is full: the policies, and listeners that differ.
#include "rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::broker {
namespace {

using session::OverflowPolicy;

session::SessionLimits limits_of(OverflowPolicy policy, std::uint32_t messages = 3) {
    session::SessionLimits limits;
    limits.overflow = policy;
    limits.queue_messages_max = messages;
    return limits;
}

// A session that is away, with 3 places in its queue.
Rig& with_sleeper(Rig& rig) {
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    return rig;
}

TEST_CASE("drop_newest: what came first stays") {
    Rig rig(limits_of(OverflowPolicy::drop_newest));
    with_sleeper(rig);
    for (int i = 0; i < 6; ++i) CHECK(rig["p"].publishes("t", std::to_string(i), qos1) == "success");
    CHECK(rig.counters().dropped_queue_full == 3);
    CHECK(rig.log.count("publish_dropping") == 1);
    CHECK(rig["s"].connects(lasting).takes() == "PUBLISH t 0 q1#1 | PUBLISH t 1 q1#2 | PUBLISH t 2 q1#3");
    CHECK(rig.log.count("publish_dropping_ended") == 1);
}

TEST_CASE("a policy that is changed to refuse while the broker runs refuses") {
    ShardOptions options = plain_options();
    options.listeners[0].name = "l";
    options.listeners[0].limits = limits_of(OverflowPolicy::drop_newest);
    Rig rig(options);
    with_sleeper(rig);
    options.listeners[0].limits.overflow = OverflowPolicy::refuse;
    rig.shard->set_limits(options.listeners);
    for (int i = 0; i < 3; ++i) CHECK(rig["p"].publishes("t", std::to_string(i), qos1) == "success");
    CHECK(rig["p"].publishes("t", "3", qos1) == "quota_exceeded");
    options.listeners[0].limits.overflow = OverflowPolicy::drop_newest;
    rig.shard->set_limits(options.listeners);
    CHECK(rig["p"].publishes("t", "4", qos1) == "success");
    CHECK(rig.counters().dropped_queue_full == 1);
}

TEST_CASE("drop_oldest: what came last stays") {
    Rig rig(limits_of(OverflowPolicy::drop_oldest));
    with_sleeper(rig);
    for (int i = 0; i < 6; ++i) CHECK(rig["p"].publishes("t", std::to_string(i), qos1) == "success");
    CHECK(rig.counters().dropped_queue_full == 3);
    CHECK(rig["s"].connects(lasting).takes() == "PUBLISH t 3 q1#4 | PUBLISH t 4 q1#5 | PUBLISH t 5 q1#6");
    CHECK(rig.counters().queued_messages == 3);
}

TEST_CASE("drop_oldest never drops what is in flight") {
    session::SessionLimits limits = limits_of(OverflowPolicy::drop_oldest, 2);
    limits.inflight_max = 2;
    Rig rig(limits);
    rig["s"].connects().subscribes("t", qos1);
    rig["p"].connects();
    for (int i = 0; i < 8; ++i) rig["p"].publishes("t", std::to_string(i), qos1);
    CHECK(rig["s"].takes() == "PUBLISH t 0 q1#1 | PUBLISH t 1 q1#2");
    CHECK(rig["s"].acks(1).acks(2).takes() == "PUBLISH t 6 q1#7 | PUBLISH t 7 q1#8");
}

TEST_CASE("the limit in bytes; a publication that is larger than the whole queue costs no other its place") {
    session::SessionLimits limits = limits_of(OverflowPolicy::drop_oldest, 100);
    limits.queue_bytes_max = 100;
    Rig rig(limits);
    with_sleeper(rig);
    for (int i = 0; i < 4; ++i) rig["p"].publishes("t", std::string(29, static_cast<char>('0' + i)), qos1);
    CHECK(rig.counters().dropped_queue_full == 1);
    CHECK(rig.counters().queued_bytes == 90);
    rig["p"].publishes("t", std::string(100, 'x'), qos1);
    CHECK(rig.counters().dropped_queue_full == 2);
    CHECK(rig.counters().queued_messages == 3);
    CHECK(rig["s"].connects(lasting).waiting().size() == 3);
}

TEST_CASE("refuse: a v5 publisher is told 0x97 and nobody gets it, a 3.x publisher is closed") {
    Rig rig(limits_of(OverflowPolicy::refuse));
    with_sleeper(rig);
    rig["online"].connects().acknowledges().subscribes("t", qos1);
    for (int i = 0; i < 3; ++i) CHECK(rig["p"].publishes("t", std::to_string(i), qos1) == "success");
    rig["online"].forgets();
    CHECK(rig["p"].publishes("t", "3", qos1) == "quota_exceeded");
    CHECK(rig["p"].publishes("t", "4", qos2) == "quota_exceeded");
    CHECK(rig["p"].publishes("t", "5") == "");  // QoS 0 needs no queue
    CHECK(rig["online"].takes() == "PUBLISH t 5");
    CHECK(rig.counters().refused_quota == 2);
    CHECK(rig.counters().dropped() == 0);
    rig["old"].connects({.version = v311});
    CHECK(rig["old"].publishes("t", "6", qos1) == "closed");
    CHECK_FALSE(rig["old"].is_open());
    CHECK(rig["s"].connects(lasting).acknowledges().takes() ==
          "PUBLISH t 0 q1#1 | PUBLISH t 1 q1#2 | PUBLISH t 2 q1#3");
    rig["s"].acks(1).acks(2).acks(3);
    CHECK(rig["p"].publishes("t", "7", qos1) == "success");
}

/// A subscriber without a lasting session that does not acknowledge, with 2 places in flight and 3 in memory.
struct SpillRig : Rig {
    explicit SpillRig(std::uint32_t stored_max, Version version = v5, journal::Durability level = {})
        : Rig(options_of(stored_max, level)) {
        (*this)["s"].connects({.version = version}).subscribes("t", qos1);
        (*this)["p"].connects();
    }
    static ShardOptions options_of(std::uint32_t stored_max, journal::Durability level) {
        ShardOptions options = stored_options();
        options.durability.level = level;
        session::SessionLimits& limits = options.listeners[0].limits;
        limits.inflight_max = 2;
        limits.queue_messages_max = 3;
        limits.queue_stored_messages_max = stored_max;
        return options;
    }
    std::string publishes(int count) {
        for (int i = 0; i < count; ++i) {
            const wire::Publish packet{"t", as_bytes("x"), qos1, false, false, ++id, {}};
            (*this)["p"].sends(encoded(packet, v5));
        }
        const std::string at_once = (*this)["p"].takes();
        passes(1s);
        return at_once + " then " + (*this)["p"].takes();
    }
    wire::PacketId id = 0;
};

TEST_CASE("spill: what does not fit goes to the store, PUBACK waits for it, and the slow subscriber misses nothing") {
    SpillRig rig(1000, v5, journal::Durability::durable);
    CHECK(rig.publishes(8) ==
          "PUBACK 1 | PUBACK 2 | PUBACK 3 | PUBACK 4 | PUBACK 5 then PUBACK 6 | PUBACK 7 | PUBACK 8");
    CHECK(rig["s"].takes() == "PUBLISH t x q1#1 | PUBLISH t x q1#2");
    rig["s"].acknowledges().acks(1).acks(2);
    CHECK(rig["s"].waiting().size() == 6);
    CHECK(rig.counters().dropped() == 0);
    rig["s"].disconnects();
    rig.passes(2s);
    CHECK(rig.store->load()->sessions.empty());
}

TEST_CASE("spill: the session still ends with its connection, and by a crash, and nothing of it stays in the store") {
    SpillRig rig(1000, v5, journal::Durability::durable);
    rig.publishes(8);
    rig.restarts();
    rig.passes(10s);
    CHECK(rig.metrics().sessions == 0);
    CHECK(rig.counters().queued_messages == 0);
    CHECK(rig.store->load()->sessions.empty());
    CHECK(rig.store->load()->references.empty());
}

TEST_CASE("spill: when the store is full too, the subscriber is disconnected, and so knows that it misses something") {
    for (const Version version : {v5, v311}) {
        SpillRig rig(5, version, journal::Durability::durable);
        rig.publishes(8);
        CHECK(rig["s"].takes() == std::string("PUBLISH t x q1#1 | PUBLISH t x q1#2") +
                                      (version == v5 ? " | DISCONNECT quota_exceeded" : ""));
        CHECK_FALSE(rig["s"].is_open());
        CHECK(rig.metrics().sessions == 1);  // the publisher's
    }
}

TEST_CASE("spill: relaxed topics too; what is only in memory is dropped as ever") {
    SpillRig relaxed(1000, v5, journal::Durability::relaxed);
    relaxed.publishes(8);
    CHECK(relaxed.counters().dropped() == 0);
    SpillRig ram(1000, v5, journal::Durability::ram);
    ram.publishes(8);
    CHECK(ram.counters().dropped_queue_full == 3);
    CHECK(ram["s"].is_open());
}

TEST_CASE("refuse does not refuse what can be sent at once") {
    session::SessionLimits limits = limits_of(OverflowPolicy::refuse, 0);
    limits.queue_bytes_max = 10;
    Rig rig(limits);
    rig["s"].connects().acknowledges().subscribes("t", qos1);
    rig["p"].connects();
    CHECK(rig["p"].publishes("t", std::string(50, 'x'), qos1) == "success");
    CHECK(rig["s"].takes() == "PUBLISH t 50B q1#1");
}

TEST_CASE("the policy is that of the subscriber's listener, other limits that of the publisher's") {
    ShardOptions options = plain_options();
    options.listeners.clear();
    for (const OverflowPolicy policy :
         {OverflowPolicy::drop_oldest, OverflowPolicy::drop_newest, OverflowPolicy::refuse})
        options.listeners.push_back({"l" + std::to_string(options.listeners.size()), true, 10, limits_of(policy, 1)});
    options.listeners[1].limits.maximum_qos = qos1;
    options.listeners[2].limits.max_packet_size_bytes = 50;
    Rig rig(options);
    for (std::uint16_t l = 0; l < 2; ++l) {
        const std::string name = "s" + std::to_string(l);
        rig[name].connects({.clean = false, .expiry = 100, .listener = l}).subscribes("t", qos1).loses_connection();
    }
    rig["p"].connects();
    CHECK(rig["p"].publishes("t", "1", qos1) == "success");
    CHECK(rig["p"].publishes("t", "2", qos1) == "success");
    rig["s2"].connects({.clean = false, .expiry = 100, .listener = 2}).subscribes("t", qos1).loses_connection();
    CHECK(rig["p"].publishes("t", "3", qos1) == "success");
    CHECK(rig["p"].publishes("t", "4", qos1) == "quota_exceeded");
    CHECK(rig["s0"].connects({.clean = false, .expiry = 100, .listener = 0}).takes() == "PUBLISH t 3 q1#3");
    CHECK(rig["s1"].connects({.clean = false, .expiry = 100, .listener = 1}).takes() == "PUBLISH t 1 q1#1");
    CHECK(rig["s2"].connects({.clean = false, .expiry = 100, .listener = 2}).takes() == "PUBLISH t 3 q1#1");

    rig["q"].connects({.listener = 1});
    rig["q"].sends(encoded(wire::Publish{"t", {}, qos2, false, false, 1, {}}, v5));
    CHECK(rig["q"].takes() == "DISCONNECT qos_not_supported");
    rig["q"].connects({.listener = 2});
    rig["q"].sends(encoded(wire::Publish{"t", as_bytes(std::string(60, 'x')), qos0, false, false, 0, {}}, v5));
    CHECK(rig["q"].takes() == "DISCONNECT packet_too_large");
}

TEST_CASE("QoS 0 for sessions that are away: kept in order where the listener says so, else not") {
    for (const bool keeps : {false, true}) {
        session::SessionLimits limits = limits_of(OverflowPolicy::drop_newest, 10);
        limits.queue_qos0_offline = keeps;
        Rig rig(limits);
        with_sleeper(rig);
        rig["p"].publishes("t", "0");
        rig["p"].publishes("t", "1", qos1);
        rig["p"].publishes("t", "2");
        const std::string expected = keeps ? "PUBLISH t 0 | PUBLISH t 1 q1#1 | PUBLISH t 2" : "PUBLISH t 1 q1#1";
        CHECK(rig["s"].connects(lasting).takes() == expected);
        CHECK(rig.counters().dropped() == 0);
    }
}

TEST_CASE("with queue_qos0_offline a session that lags behind gets its QoS 0 in order, none is lost without a count") {
    for (const bool is_lasting : {false, true}) {
        session::SessionLimits limits = limits_of(OverflowPolicy::drop_newest, 10);
        limits.queue_qos0_offline = true;
        limits.inflight_max = 1;
        Rig rig(limits);
        rig["s"].connects(is_lasting ? lasting : Wish{}).subscribes("t", qos1);
        rig["p"].connects();
        for (const char* payload : {"1", "2"}) rig["p"].publishes("t", payload, qos1);
        for (const char* payload : {"3", "4"}) rig["p"].publishes("t", payload);
        std::string got = rig["s"].takes();
        rig["s"].acks(1);
        got += " | " + rig["s"].takes();
        CHECK(got == "PUBLISH t 1 q1#1 | PUBLISH t 2 q1#2 | PUBLISH t 3 | PUBLISH t 4");
    }
}

TEST_CASE("messages that have expired make room for new ones") {
    for (const OverflowPolicy policy : {OverflowPolicy::drop_newest, OverflowPolicy::refuse}) {
        Rig rig(limits_of(policy));
        with_sleeper(rig);
        wire::PropertyBuilder expiry;
        expiry.number(PropertyId::message_expiry_interval, 5);
        for (int i = 0; i < 3; ++i) rig["p"].publishes("t", std::to_string(i), qos1, false, expiry);
        rig.passes(6s);
        CHECK(rig["p"].publishes("t", "new", qos1) == "success");
        CHECK(rig["s"].connects(lasting).takes() == "PUBLISH t new q1#4");
        CHECK(rig.counters().dropped_expired == 3);
    }
}

}  // namespace
}  // namespace ledge::broker
