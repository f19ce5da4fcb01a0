// Retained messages for new subscriptions, to readers of every pace.
#include "retained_feeds.hpp"

#include <map>
#include <set>

#include "allocations.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
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

/// 100 retained messages, and a session that has been sent five of them and acknowledged none.
struct FeedRig : Rig {
    Wish slow = lasting;
    FeedRig() : Rig(stored_options()) {
        slow.receive_maximum = 5;
        (*this)["p"].connects();
        for (int i = 0; i < 100; ++i) retains("t/" + std::to_string(i), "x");
        (*this)["s"].connects(slow).subscribes("t/#", qos1);
        CHECK(topics_of((*this)["s"]).size() == 5);
    }
    void retains(const std::string& topic, std::string_view payload) {
        (*this)["p"].sends(encoded(wire::Publish{topic, as_bytes(payload), qos1, true, false, 1, {}}, v5));
        passes(1s);
        (*this)["p"].forgets();
    }
    std::vector<std::string> resumes() {
        (*this)["s"].acknowledges().tries_to_connect(slow);
        passes(5s);
        std::vector<std::string> topics;
        for (const std::string& packet : (*this)["s"].waiting())
            if (packet.starts_with("PUBLISH ")) topics.push_back(packet.substr(8, packet.find(' ', 8) - 8));
        (*this)["s"].forgets();
        return topics;
    }
    /// What the record of the subscription says.
    journal::FeedProgress recorded() {
        passes(5s);
        const auto image = store->load();
        REQUIRE(image.ok());
        for (const journal::StoredSession& session : image->sessions) {
            if (session.subscriptions.empty()) continue;
            const std::vector<Byte>& body = session.subscriptions[0].body;
            return journal::parse_subscription({body.data(), body.size()})->feed;
        }
        return {};
    }
};

TEST_CASE("[MQTT-3.3.1-9] what a session is owed of retained messages outlives a clean stop, and none comes twice") {
    FeedRig rig;
    rig["s"].loses_connection();
    rig.stops_and_starts();
    const std::vector<std::string> topics = rig.resumes();
    CHECK(topics.size() == 100);
    CHECK(std::set<std::string>(topics.begin(), topics.end()).size() == 100);
    CHECK(rig.recorded().as_of == 0);  // nothing is owed any more
    CHECK(rig.counters().queued_messages == 0);
}

TEST_CASE("[MQTT-3.3.1-9] what a session is owed of retained messages outlives a kill at any moment; some may repeat") {
    for (const bool is_committed : {true, false}) {
        for (const bool is_connected : {true, false}) {
            CAPTURE(is_committed);
            CAPTURE(is_connected);
            FeedRig rig;
            if (!is_connected) rig["s"].loses_connection();
            if (is_committed) rig.passes(5s);
            rig.restarts();
            const std::vector<std::string> topics = rig.resumes();
            CHECK(std::set<std::string>(topics.begin(), topics.end()).size() == 100);
            CHECK(topics.size() <= 105);
            CHECK(rig.recorded().as_of == 0);
        }
    }
}

TEST_CASE("the order of retained messages is that of their coming, also when topics went and others took their place") {
    FeedRig rig;
    for (int i = 0; i < 3; ++i) rig.retains("t/" + std::to_string(i), "");
    for (int i = 0; i < 3; ++i) rig.retains("t/new" + std::to_string(i), "x");  // they have gone out live
    rig.stops_and_starts();
    rig["p"].connects();
    const std::vector<std::string> topics = rig.resumes();
    CHECK(topics.size() == 106);  // the removals too, which go out live
    CHECK(std::set<std::string>(topics.begin(), topics.end()).size() == 103);
    Client& n = rig["n"].connects().subscribes("t/+");
    CHECK(n.waiting().front() == "PUBLISH t/3 x retain");
    CHECK(n.waiting().back() == "PUBLISH t/new2 x retain");
}

TEST_CASE("[MQTT-3.10.4-2] UNSUBSCRIBE ends what is owed for good, and a subscription without retained owes nothing") {
    FeedRig rig;
    rig["s"].unsubscribes("t/#").subscribes(
        "t/#", wire::SubscribeOptions{qos1, false, false, wire::RetainHandling::do_not_send});
    rig.stops_and_starts();
    CHECK(rig.resumes().size() == 5);  // what was in flight
}

TEST_CASE("a subscription that was sent everything at once writes no word about it") {
    Rig rig(stored_options());
    rig["p"].connects().publishes("t/0", "x", qos0, true);
    rig.passes(5s);
    const std::uint64_t before = rig.store->records();
    rig["s"].connects(lasting).subscribes("t/#");
    rig.passes(5s);
    CHECK(rig.store->records() == before + 2);  // the session and the subscription
}

TEST_CASE("[MQTT-3.8.4-5] the same filter twice in one SUBSCRIBE is sent its retained messages twice") {
    session::SessionLimits limits;
    limits.inflight_max = 3;
    Rig rig(limits);
    rig["p"].connects();
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t/" + std::to_string(i), "x", qos1, true);
    for (const std::string_view filter : {"t/#", "t/3"}) {
        std::vector<Byte> entries;
        wire::append_entry(entries, {filter, {qos1}}, true);
        wire::append_entry(entries, {filter, {qos1}}, true);
        Client& s = rig["s"].connects().acknowledges();
        s.sends(encoded(wire::Subscribe{1, {entries, true}, {}}, v5));
        std::map<std::string, int> times;
        for (const std::string& packet : s.waiting())
            if (packet.starts_with("PUBLISH ")) ++times[packet.substr(8, packet.find(' ', 8) - 8)];
        CHECK(times.size() == (filter == "t/3" ? 1 : 5));
        for (const auto& [topic, count] : times) CHECK(count == 2);
        s.forgets();
        s.disconnects();
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
