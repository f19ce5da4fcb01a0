// Shared subscriptions: one member gets a message, and what happens when it cannot take it.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

constexpr const char* members[] = {"one", "two", "three"};

void share(Script& s, const char* filter, QoS qos = qos1, const ConnectOptions& options = {}) {
    for (const char* name : members) s.client(name).connects(options).subscribes(filter, qos);
}

std::size_t count_all(Script& s) {
    std::size_t out = 0;
    for (const char* name : members) out += s.client(name).takes_all().size();
    return out;
}

}  // namespace

SPEC("v5 each message goes to one member of the group, and all members get some") {
    for (const auto qos : every_qos) {
        Script s;
        for (const char* name : members) s.client(name).acknowledges_automatically();
        share(s, "$share/group/a/+", qos2);
        s.client("lamp").connects();
        for (int at = 0; at < 30; ++at) s.client("lamp").publishes("a/b", std::to_string(at), qos);
        std::set<std::string> got;
        for (const char* name : members) {
            const auto mine = s.client(name).takes_all();
            CHECK(mine.size() == 10);
            for (const auto& packet : mine) {
                CHECK(packet.qos_level == qos);
                got.insert(packet.payload);
            }
        }
        CHECK(got.size() == 30);
        s.nothing_else();
    }
}

SPEC("shared subscriptions work for clients of 3.1.1 too") {
    Script s(v311);
    share(s, "$share/group/a", qos0);
    s.client("lamp").connects();
    for (int at = 0; at < 9; ++at) s.client("lamp").publishes("a", "x");
    CHECK(count_all(s) == 9);
    s.nothing_else();
}

SPEC("v5 groups are independent of each other and of ordinary subscriptions") {
    Script s;
    s.client("a").connects().subscribes("$share/first/t", qos0);
    s.client("b").connects().subscribes("$share/second/t", qos0);
    s.client("c").connects().subscribes("t", qos0);
    s.client("lamp").connects().publishes("t", "1");
    for (const char* name : {"a", "b", "c"}) s.client(name).gets(publish("t", "1"));
    s.nothing_else();
}

SPEC("v5 the same share name with another filter is another group") {
    Script s;
    s.client("a").connects().subscribes("$share/group/t", qos0);
    s.client("b").connects().subscribes("$share/group/+", qos0);
    s.client("lamp").connects().publishes("t", "1");
    s.client("a").gets(publish("t", "1"));
    s.client("b").gets(publish("t", "1"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.8.3-4] no local on a shared subscription is a protocol error") {
    Script s;
    s.client("meter").connects().sends(subscribe(1, {Filter("$share/group/a").no_local()}));
    s.client("meter").is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC("v5 a shared subscription is sent no retained messages") {
    Script s;
    s.client("lamp").connects().publishes(publish("a", "1").retained());
    s.client("meter")
        .connects()
        .subscribes("$share/group/a")
        .subscribes({Filter("$share/group/a").handling(1)})
        .gets_nothing();
    s.client("meter").subscribes("a").gets(publish("a", "1").retained());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.1-12] [MQTT-3.3.1-13] retain as published holds for the member that is picked") {
    for (const bool as_published : {false, true}) {
        Script s;
        Filter filter("$share/group/a");
        filter.has_retain_as_published = as_published;
        s.client("meter").connects().subscribes({filter});
        s.client("lamp").connects().publishes(publish("a", "1").retained());
        s.client("meter").gets(publish("a", "1").retained(as_published));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.8.2-1] [MQTT-4.8.2-2] a shared filter has a share name without wildcards, and a filter behind it") {
    for (const char* filter :
         {"$share/", "$share//a", "$share/a+/b", "$share/#/a", "$share/+/a", "$share/group", "$share/group/"}) {
        CAPTURE(filter);
        Script s;
        s.client("meter").connects().sends(subscribe(1, {Filter(filter)}));
        const auto answers = s.client("meter").takes_all();
        CHECK(answers.size() == 1);
        for (const auto& answer : answers) CHECK(answer.type == PacketType::disconnect);
        s.client("meter").is_closed();
        s.nothing_else();
    }
}

SPEC("v5 a shared filter may begin with a slash or be a wildcard; $ topics stay out of reach of a leading one") {
    Script s;
    s.client("slash").connects().subscribes("$share/group//a");
    s.client("all").connects().subscribes("$share/group/#");
    s.client("lamp").connects().publishes("/a", "1").publishes("$data/a", "2");
    s.client("slash").gets(publish("/a", "1"));
    s.client("all").gets(publish("/a", "1"));
    s.nothing_else();
}

SPEC("v5 [MQTT-4.8.2-3] the granted QoS of the member that is picked counts") {
    Script s;
    s.client("low").connects().subscribes("$share/group/a", qos0);
    s.client("high").connects().subscribes("$share/group/a", qos2).acknowledges_automatically();
    s.client("lamp").connects();
    for (int at = 0; at < 10; ++at) s.client("lamp").publishes("a", "x", qos1);
    const auto low = s.client("low").takes_all();
    const auto high = s.client("high").takes_all();
    CHECK(low.size() + high.size() == 10);
    CHECK(!low.empty());
    CHECK(!high.empty());
    for (const auto& packet : low) CHECK(packet.qos_level == qos0);
    for (const auto& packet : high) CHECK(packet.qos_level == qos1);
    s.nothing_else();
}

SPEC("v5 connected members are preferred to absent ones") {
    Script s;
    for (const char* name : members) s.client(name).acknowledges_automatically();
    share(s, "$share/group/a", qos1, resume);
    s.client("one").loses_connection();
    s.client("three").loses_connection();
    s.client("lamp").connects();
    for (int at = 0; at < 9; ++at) s.client("lamp").publishes("a", "x", qos1);
    CHECK(s.client("two").takes_all().size() == 9);
    s.client("one").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 when all members are absent a message waits for one of them") {
    Script s;
    share(s, "$share/group/a", qos1, resume);
    for (const char* name : members) s.client(name).loses_connection();
    s.client("lamp").connects();
    for (int at = 0; at < 6; ++at) s.client("lamp").publishes("a", "x", qos1);
    for (const char* name : members)
        s.client(name).acknowledges_automatically().connects(resume).gets(connack().session_present());
    CHECK(count_all(s) == 6);
    s.nothing_else();
}

SPEC("v5 unacknowledged QoS 1 messages of a member whose session ends go to the others") {
    Script s;
    s.client("one").connects().subscribes("$share/group/a", qos1);
    s.client("lamp").connects().publishes("a", "1", qos1).publishes("a", "2", qos1);
    s.client("one").gets(publish("a", "1").qos1(1)).gets(publish("a", "2").qos1(2)).acknowledges(1);
    s.client("two").connects().subscribes("$share/group/a", qos1);
    s.client("one").loses_connection();
    s.client("two").gets(publish("a", "2").qos1(1)).acknowledges(1);
    s.nothing_else();
}

SPEC("v5 while a member's session lasts its unacknowledged messages stay with it") {
    Script s;
    s.client("one").connects(resume).subscribes("$share/group/a", qos1);
    s.client("lamp").connects().publishes("a", "1", qos1);
    s.client("one").gets(publish("a", "1").qos1(1));
    s.client("two").connects().subscribes("$share/group/a", qos1);
    s.client("one").loses_connection();
    s.client("two").gets_nothing();
    s.client("one")
        .connects(resume)
        .gets(connack().session_present())
        .gets(publish("a", "1").qos1(1).dup())
        .acknowledges(1);
    s.nothing_else();
}

SPEC("v5 messages that wait for a member whose session expires go to the others") {
    Script s;
    s.client("one")
        .connects({.clean = false, .session_expiry = 60s})
        .subscribes("$share/group/a", qos1)
        .loses_connection();
    s.client("lamp").connects().publishes("a", "1", qos1);
    s.client("two").connects().subscribes("$share/group/a", qos1);
    s.passes(62s);
    s.client("two").gets(publish("a", "1").qos1(1)).acknowledges(1);
    s.nothing_else();
}

SPEC("v5 [MQTT-4.8.2-4] a QoS 2 delivery that has begun is completed to the same member when it comes back") {
    Script s;
    s.client("one").connects(resume).subscribes("$share/group/a", qos2);
    s.client("lamp").connects().publishes("a", "1", qos2);
    s.client("one").gets(publish("a", "1").qos2(1));
    s.client("two").connects().subscribes("$share/group/a", qos2);
    s.client("one").loses_connection();
    s.client("two").gets_nothing();
    s.client("one").connects(resume).gets(connack().session_present()).gets(publish("a", "1").qos2(1).dup());
    s.client("one").receives(1).completes(1);
    s.nothing_else();
}

SPEC("v5 [MQTT-4.8.2-5] a QoS 2 message that was sent to a member goes to no other when its session ends") {
    Script s;
    s.client("one").connects().subscribes("$share/group/a", qos2);
    s.client("lamp").connects().publishes("a", "1", qos2).publishes("a", "2", qos2);
    s.client("one").gets(publish("a", "1").qos2(1)).gets(publish("a", "2").qos2(2)).receives(2);
    s.client("two").connects().subscribes("$share/group/a", qos2);
    s.client("one").loses_connection();
    s.client("two").gets_nothing();
    s.nothing_else();
}

SPEC("v5 [MQTT-4.8.2-6] a message that a member refuses goes to no other") {
    for (const auto qos : {qos1, qos2}) {
        Script s;
        s.client("one").connects().subscribes("$share/group/a", qos);
        s.client("lamp").connects().publishes("a", "1", qos);
        s.client("one").gets(publish("a", "1").qos(qos).id(1));
        s.client("two").connects().subscribes("$share/group/a", qos);
        s.client("one").sends(qos == qos1 ? puback(1, ReasonCode::quota_exceeded)
                                          : pubrec(1, ReasonCode::quota_exceeded));
        s.client("one").loses_connection();
        s.client("two").gets_nothing();
        s.nothing_else();
    }
}

SPEC("v5 a member that unsubscribes gets nothing more; the last one ends the group") {
    Script s;
    share(s, "$share/group/a", qos0);
    s.client("lamp").connects();
    s.client("one").unsubscribes("$share/group/a");
    s.client("two")
        .sends(unsubscribe(9, {"a", "$share/other/a", "$share/group/b"}))
        .gets(unsuback(9, {0x11, 0x11, 0x11}));
    for (int at = 0; at < 6; ++at) s.client("lamp").publishes("a", "x");
    s.client("one").gets_nothing();
    CHECK(s.client("two").takes_all().size() == 3);
    CHECK(s.client("three").takes_all().size() == 3);
    s.client("two").unsubscribes("$share/group/a");
    s.client("three").unsubscribes("$share/group/a");
    s.client("lamp").sends(publish("a", "x").qos1(1)).gets(puback(1, ReasonCode::no_matching_subscribers));
    s.nothing_else();
}

SPEC("v5 a member that is subscribed on its own too gets both copies, each with its identifier") {
    Script s;
    s.client("one").connects().subscribes("$share/group/a", qos0, 1).subscribes("a", qos0, 2);
    s.client("lamp").connects().publishes("a", "1");
    const auto all = s.client("one").takes_all();
    std::set<std::uint32_t> ids;
    for (const auto& packet : all)
        for (const auto& value : packet.properties) ids.insert(value.number);
    CHECK(ids == std::set<std::uint32_t>{1, 2});
    s.nothing_else();
}

SPEC("v5 a subscription identifier belongs to the member, not to the group") {
    Script s;
    s.client("one").connects().subscribes("$share/group/a", qos0, 11);
    s.client("two").connects().subscribes("$share/group/a", qos0, 22);
    s.client("lamp").connects().publishes("a", "1").publishes("a", "2");
    for (const auto& packet : s.client("one").takes_all()) CHECK(packet.number(Id::subscription_identifier) == 11);
    for (const auto& packet : s.client("two").takes_all()) CHECK(packet.number(Id::subscription_identifier) == 22);
    s.nothing_else();
}

SPEC("v5 shared subscriptions are refused with 0x9E where they are not available; CONNACK says so") {
    Script s(v5,
             [](broker::ShardOptions& options) { options.listeners[0].limits.shared_subscriptions_available = false; });
    s.client("meter").connects().gets(connack().with(Id::shared_subscription_available, 0));
    s.client("meter").sends(subscribe(1, {"$share/group/a", "a"})).gets(suback(1, {0x9E, 0}));
    s.nothing_else();
}

SPEC("v5 sticky: the messages of one publisher go to one member as long as it is there") {
    Script s(v5,
             [](broker::ShardOptions& options) { options.share_strategy = broker::ShareStrategy::sticky_publisher; });
    share(s, "$share/group/a", qos0);
    s.client("lamp").connects();
    for (int at = 0; at < 9; ++at) s.client("lamp").publishes("a", "x");
    std::size_t most = 0;
    std::string chosen;
    for (const char* name : members) {
        const std::size_t mine = s.client(name).takes_all().size();
        if (mine > most) chosen = name;
        most = std::max(most, mine);
    }
    CHECK(most == 9);
    s.client(chosen).loses_connection();
    for (int at = 0; at < 9; ++at) s.client("lamp").publishes("a", "x");
    CHECK(count_all(s) == 9);
    s.nothing_else();
}

SPEC("v5 random: every message goes to exactly one member, and in the long run to all of them") {
    Script s(v5, [](broker::ShardOptions& options) { options.share_strategy = broker::ShareStrategy::random; });
    share(s, "$share/group/a", qos0);
    s.client("lamp").connects();
    for (int at = 0; at < 90; ++at) s.client("lamp").publishes("a", "x");
    std::size_t all = 0;
    for (const char* name : members) {
        const std::size_t mine = s.client(name).takes_all().size();
        CHECK(mine > 10);
        all += mine;
    }
    CHECK(all == 90);
    s.nothing_else();
}

SPEC("v5 least in flight: a member that does not acknowledge gets no more than the others have open") {
    Script s(v5, [](broker::ShardOptions& options) { options.share_strategy = broker::ShareStrategy::least_inflight; });
    s.client("slow").connects().subscribes("$share/group/a", qos1);
    s.client("quick").connects().subscribes("$share/group/a", qos1).acknowledges_automatically();
    s.client("lamp").connects();
    for (int at = 0; at < 20; ++at) s.client("lamp").publishes("a", "x", qos1);
    CHECK(s.client("slow").takes_all().size() <= 2);
    CHECK(s.client("quick").takes_all().size() >= 18);
    s.nothing_else();
}

}  // namespace ledge::spec
