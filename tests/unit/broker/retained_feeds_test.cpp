// Retained messages for new subscriptions, to readers of every pace.
#include "retained_feeds.hpp"

#include <set>

#include "allocations.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

void keeps(Rig& rig, int count, const std::string& prefix = "t/", std::string_view payload = "x") {
    if (!rig["p"].is_open()) rig["p"].connects();
    for (int i = 0; i < count; ++i) rig["p"].publishes(prefix + std::to_string(i), payload, qos0, true);
}

// Topics of the PUBLISH packets that came; demands that none comes twice.
std::set<std::string> topics_of(Client& client) {
    std::set<std::string> topics;
    for (const std::string& packet : client.waiting()) {
        if (!packet.starts_with("PUBLISH ")) continue;
        const std::string topic = packet.substr(8, packet.find(' ', 8) - 8);
        CHECK(topics.insert(topic).second);
    }
    client.forgets();
    return topics;
}

TEST_CASE("SUBACK comes first, the retained messages follow, with RETAIN and the identifier, at the lower QoS") {
    Rig rig;
    rig["p"].connects().publishes("a/1", "one", qos2, true);
    rig["p"].publishes("a/2", "two", qos0, true);
    std::vector<Byte> entries;
    wire::append_entry(entries, {"a/+", {qos1}}, true);
    wire::PropertyBuilder id;
    id.number(PropertyId::subscription_identifier, 9);
    rig["s"].connects().sends(encoded(wire::Subscribe{1, {entries, true}, id.view()}, v5));
    CHECK(rig["s"].takes() == "SUBACK 1 1 | PUBLISH a/1 one q1#1 retain {0b=9} | PUBLISH a/2 two retain {0b=9}");
}

TEST_CASE("[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] retain handling, and never for shared subscriptions") {
    using wire::RetainHandling;
    Rig rig;
    keeps(rig, 1);
    Client& s = rig["s"].connects();
    const auto subscribed = [&](RetainHandling handling) {
        return s.subscribes("t/0", wire::SubscribeOptions{qos0, false, false, handling}).takes();
    };
    CHECK(subscribed(RetainHandling::do_not_send).empty());
    CHECK(subscribed(RetainHandling::send_if_new).empty());  // not new any more
    CHECK(subscribed(RetainHandling::send) == "PUBLISH t/0 x retain");
    CHECK(subscribed(RetainHandling::send) == "PUBLISH t/0 x retain");
    s.unsubscribes("t/0");
    CHECK(subscribed(RetainHandling::send_if_new) == "PUBLISH t/0 x retain");
    CHECK(s.subscribes("$share/g/t/0").takes().empty());
}

TEST_CASE("20,000 retained messages reach a slow reader completely, and memory stays bounded meanwhile") {
    for (const QoS qos : {qos0, qos1}) {
        session::SessionLimits limits;
        limits.outbox_bytes_max = 10'000;
        Rig rig(limits);
        constexpr int count = 20'000;
        for (int i = 0; i < count; ++i) {
            if (i == 0) rig["p"].connects();
            rig["p"].publishes("t/" + std::to_string(i), std::string(50, 'x'), qos, true);
        }
        Client& s = rig["s"].connects().acknowledges().stops_reading();
        const std::size_t before = live_bytes();
        s.subscribes("t/#", qos);
        CHECK(live_bytes() - before < 100'000);
        CHECK(s.connection->outbox().size() < 10'200);
        CHECK(s.waiting().empty());
        s.reads_again();
        CHECK(topics_of(s).size() == count);
        CHECK(rig.counters().dropped() == 0);
        CHECK(rig.counters().queued_messages == 0);
        CHECK(s.connection->session()->retained_feed == nullptr);
    }
}

TEST_CASE("a filter that looks at more topics than a turn allows goes on in the next ones, also when nothing matches") {
    Rig rig;
    keeps(rig, 10'000);
    rig["p"].publishes("none/of/them", "x", qos0, true);  // so that the level "none" is known
    CHECK(topics_of(rig["all"].connects().subscribes("+/+")).size() == 10'000);
    CHECK(topics_of(rig["few"].connects().subscribes("+/777")).size() == 1);
    CHECK(topics_of(rig["none"].connects().subscribes("+/none")).empty());
    CHECK(rig["none"].connection->session()->retained_feed == nullptr);
    // The others are served in between: the shard asks to be called again at once.
    Client& s = rig["s"].connects().stops_reading();
    std::vector<Byte> entries;
    wire::append_entry(entries, {"+/none", {}}, true);
    rig.shard->on_bytes(*s.connection, as_bytes(encoded(wire::Subscribe{1, {entries, true}, {}}, v5)), rig.now);
    CHECK(rig.shard->next_deadline() <= rig.now);
    rig.shard->on_closed(*s.connection, rig.now);
    s.connection = nullptr;
    rig.settle();
    CHECK(rig.shard->next_deadline() > rig.now);
}

TEST_CASE("who repeats SUBSCRIBE without reading takes no memory for it") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 1000;
    Rig rig(limits);
    keeps(rig, 5000);
    Client& s = rig["s"].connects().stops_reading();
    for (int i = 0; i < 100; ++i) s.subscribes("t/#").subscribes("t/+").unsubscribes("t/#");
    const std::size_t before = live_bytes();
    for (int i = 0; i < 1000; ++i) s.subscribes("t/#").subscribes("t/+").unsubscribes("t/#");
    CHECK(live_bytes() <= before + 65'536);  // 18 KB of SUBACKs and UNSUBACKs that wait
    s.reads_again();
    std::size_t last = 0;
    for (const std::string& packet : s.waiting()) last += packet.starts_with("PUBLISH") ? 1U : 0U;
    CHECK(last >= 5000);
    CHECK(last < 5000 + 1200 * 60);
    CHECK(s.connection->session()->retained_feed == nullptr);
}

TEST_CASE("[MQTT-3.10.4-2] UNSUBSCRIBE ends what is still owed, other subscriptions go on") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 2000;
    Rig rig(limits);
    keeps(rig, 1000, "one/");
    keeps(rig, 1000, "two/");
    Client& s = rig["s"].connects().stops_reading();
    s.subscribes("one/#").subscribes("two/#").unsubscribes("one/#");
    s.reads_again();
    std::size_t one = 0, two = 0, after_unsuback = 0;
    bool has_unsuback = false;
    for (const std::string& packet : s.waiting()) {
        has_unsuback = has_unsuback || packet.starts_with("UNSUBACK");
        if (packet.starts_with("PUBLISH one/")) ++one, after_unsuback += has_unsuback ? 1U : 0U;
        if (packet.starts_with("PUBLISH two/")) ++two;
    }
    CHECK(has_unsuback);
    CHECK(one < 200);  // what was in the outbox already
    CHECK(after_unsuback == 0);
    CHECK(two == 1000);
}

TEST_CASE(
    "a topic number that belongs to another topic by now is not sent; what changed meanwhile is sent as it is now") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 300;
    Rig rig(limits);
    keeps(rig, 200, "old/");
    Client& s = rig["s"].connects().stops_reading();
    s.subscribes("old/#");
    for (int i = 0; i < 200; ++i) rig["p"].publishes("old/" + std::to_string(i), "", qos0, true);
    for (int i = 0; i < 200; ++i) rig["p"].publishes("new/" + std::to_string(i), "x", qos0, true);  // the same numbers
    s.reads_again();
    std::size_t retained = 0;
    for (const std::string& packet : s.waiting()) {
        CHECK_FALSE(packet.starts_with("PUBLISH new/"));
        if (packet.ends_with(" retain")) ++retained;
    }
    CHECK(retained < 50);
}

TEST_CASE("live messages that wait go first, retained ones follow") {
    session::SessionLimits limits;
    limits.inflight_max = 2;
    Rig rig(limits);
    rig["p"].connects();
    for (int i = 0; i < 4; ++i) rig["p"].publishes("t/" + std::to_string(i), "r", qos1, true);
    Client& s = rig["s"].connects().subscribes("t/+", qos1);
    CHECK(s.takes() == "PUBLISH t/0 r q1#1 retain | PUBLISH t/1 r q1#2 retain");
    rig["p"].publishes("t/9", "live", qos1);
    CHECK(s.takes().empty());
    CHECK(s.acks(1).takes() == "PUBLISH t/9 live q1#3");
    CHECK(s.acks(2).takes() == "PUBLISH t/2 r q1#4 retain");
    CHECK(s.acks(3).takes() == "PUBLISH t/3 r q1#5 retain");
}

TEST_CASE("what is owed outlives the connection, not the session") {
    for (const bool is_lasting : {false, true}) {
        session::SessionLimits limits;
        limits.outbox_bytes_max = 300;
        Rig rig(limits);
        keeps(rig, 500);
        const Wish wish = is_lasting ? lasting : Wish{};
        Client& s = rig["s"].connects(wish).stops_reading();
        s.subscribes("t/#");
        s.loses_connection();
        s.reads_again().connects(wish);
        const std::size_t count = topics_of(s).size();  // without what was in the outbox of the connection before
        if (is_lasting)
            CHECK((count > 450 && count < 500));
        else
            CHECK(count == 0);
    }
}

TEST_CASE("what is retained after the SUBSCRIBE goes out live only") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 300;
    Rig rig(limits);
    keeps(rig, 100);
    Client& s = rig["s"].connects().acknowledges().stops_reading();
    s.subscribes("t/#", qos1);
    rig["p"].publishes("t/99", "changed", qos1, true);
    rig["p"].publishes("t/new", "x", qos1, true);
    s.reads_again();
    std::size_t changed = 0, fresh = 0;
    for (const std::string& packet : s.waiting()) {
        if (packet.starts_with("PUBLISH t/99 ")) ++changed;
        if (packet.starts_with("PUBLISH t/new ")) ++fresh;
    }
    CHECK(changed == 1);
    CHECK(fresh == 1);
    CHECK(topics_of(s).size() == 101);
}

}  // namespace
}  // namespace ledge::broker
