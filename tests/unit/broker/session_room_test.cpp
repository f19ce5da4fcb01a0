// Room for new sessions and subscriptions when sessions_max is reached or memory is short: whose have to go.
#include "rig.hpp"

#include "ledge/broker/options.hpp"

namespace ledge::broker {
namespace {

// Somebody who leaves sessions behind: random ids, one subscription each.
void leave_sessions(Rig& rig, int count, const std::string& kind = "left",
                    std::string_view address = "198.51.100.1:9") {
    Client& guest = rig["guest"];
    for (int i = 0; i < count; ++i) {
        const std::string id = kind + std::to_string(i) + std::string(200, 'x');
        Wish wish = lasting;
        wish.client_id = id;
        wish.address = address;
        guest.tries_to_connect(wish);
        const std::string filter = "their/" + std::to_string(i) + "/" + std::string(700, 'f');
        if (guest.is_open() && guest.takes() == "CONNACK success") guest.answer_to_subscribe(filter);
        if (guest.is_open()) guest.loses_connection();
        guest.forgets();
    }
}

TEST_CASE("who leaves sessions behind without end loses his own oldest ones: known and new clients still get in") {
    for (const bool has_store : {false, true}) {
        CAPTURE(has_store);
        Rig rig(with_budget(16 * mib, has_store ? stored_options() : plain_options()));
        const std::string_view home = "192.0.2.5:1";
        Wish mine = lasting;
        mine.address = home;
        rig["known"].connects(mine).subscribes("mine", qos1).loses_connection();
        rig["owed"].connects(mine).subscribes("mine", qos1).loses_connection();
        rig["p"].connects({.address = home}).publishes("mine", "1", qos1);
        leave_sessions(rig, 12'000);
        CHECK(rig.metrics().memory_used < 16 * mib * 3 / 4);
        CHECK(rig.metrics().sessions > 2000);
        CHECK(rig.counters().sessions_evicted > 1000);
        CHECK(rig.log.count("session_gave_way") < 5);
        rig["known"].connects(mine);
        rig["owed"].connects(mine);
        if (has_store) rig.commits();  // from now on a crash knows that they may have been sent
        CHECK(rig["known"].takes() == "PUBLISH mine 1 q1#1");
        CHECK(rig["owed"].takes() == "PUBLISH mine 1 q1#1");
        CHECK(rig["clean"].connects({.address = home}).answer_to_subscribe("a") == "SUBACK 1 0");
        mine.client_id = "new and lasting";
        CHECK(rig["new"].connects(mine).answer_to_subscribe("a") == "SUBACK 1 0");
        CHECK(rig["operator"].connects({.address = "unix"}).answer_to_subscribe("$SYS/#") == "SUBACK 1 0");
        Wish his = lasting;
        his.address = "198.51.100.1:9";
        const std::string oldest = "left0" + std::string(200, 'x');
        const std::string newest = "left11999" + std::string(200, 'x');
        his.client_id = newest;
        CHECK(rig["his1"].tries_to_connect(his).takes() == "CONNACK success present");
        his.client_id = oldest;
        CHECK(rig["his2"].tries_to_connect(his).takes() == "CONNACK success");  // it had ended
    }
}

TEST_CASE("an owner with many long filters gets no more of them while memory is short; others do") {
    Rig rig(with_budget(16 * mib));
    rig["calm"].connects({.address = "192.0.2.5:1"});
    rig["guest"].connects({.address = "198.51.100.1:9"});
    int granted = 0;
    for (; granted < 5000; ++granted) {
        Client& guest = rig["guest" + std::to_string(granted / 900)];
        if (granted % 900 == 0) guest.tries_to_connect({.address = "198.51.100.1:9"}).forgets();
        const std::string filter = std::to_string(granted) + "/" + std::string(3500, 'f');
        if (!guest.answer_to_subscribe(filter).ends_with(" 0")) break;
    }
    CHECK(granted > 1000);
    CHECK(granted < 4000);
    CHECK(rig.metrics().memory_used < 16 * mib * 3 / 4);
    CHECK(rig["calm"].answer_to_subscribe("a/b") == "SUBACK 1 0");
    CHECK(rig["calm"].is_open());
}

TEST_CASE("sessions that hold messages stay: their owner's later, empty ones go") {
    Rig rig(with_budget(16 * mib));
    Wish his = lasting;
    his.address = "198.51.100.1:9";
    for (int i = 0; i < 100; ++i) {
        const std::string id = "owed" + std::to_string(i);
        his.client_id = id;
        rig["owed"].connects(his).subscribes("owed", qos1).loses_connection();
    }
    rig["p"].connects({.address = "192.0.2.5:1"}).publishes("owed", "1", qos1);
    leave_sessions(rig, 9'000);
    CHECK(rig.counters().sessions_evicted > 0);
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig.counters().queued_messages == 100);
}

TEST_CASE("at sessions_max the owner with most sessions loses the one that is away for longest and owed nothing") {
    ShardOptions options = plain_options();
    options.sessions_max = 6;
    Rig rig(options);
    const auto of = [](std::string_view address) {
        Wish wish = lasting;
        wish.address = address;
        return wish;
    };
    for (const char* name : {"a1", "a2", "a3", "a4"}) rig[name].connects(of("192.0.2.1:1"));
    rig["a2"].subscribes("t", qos1);
    for (const char* name : {"a2", "a4", "a3"}) rig[name].loses_connection();
    rig["b1"].connects(of("192.0.2.2:1")).publishes("t", "1", qos1);
    rig["b2"].connects(of("192.0.2.2:1"));
    CHECK(rig.metrics().sessions == 6);
    CHECK(rig["c1"].tries_to_connect(of("192.0.2.3:1")).takes() == "CONNACK success");
    CHECK(rig["a4"].tries_to_connect(of("192.0.2.1:1")).takes() == "CONNACK success");  // anew: a3 went for it
    CHECK(rig["a2"].tries_to_connect(of("192.0.2.1:1")).takes() == "CONNACK success present | PUBLISH t 1 q1#1");
    CHECK(rig.metrics().sessions == 6);
    CHECK(rig.counters().sessions_evicted == 2);
    CHECK(rig["b3"].tries_to_connect(of("192.0.2.2:1")).takes() == "CONNACK quota_exceeded");  // nobody is away
    rig["b1"].loses_connection();
    CHECK(rig["c2"].tries_to_connect(of("192.0.2.3:1")).takes() == "CONNACK quota_exceeded");  // b has no more than c
    rig["b1"].connects(of("192.0.2.2:1"));
    CHECK(rig["operator"].tries_to_connect(of("unix")).takes() == "CONNACK success");  // always
    CHECK(rig.metrics().sessions == 7);
}

TEST_CASE("a user is one owner wherever he comes from, and not charged for others at his address") {
    ShardOptions options = plain_options();
    options.sessions_max = 3;
    Rig rig(options);
    const auto of = [](std::string_view user, std::string_view address) {
        Wish wish = lasting;
        wish.proven = user;
        wish.address = address;
        return wish;
    };
    rig["a1"].connects(of("alice", "192.0.2.1:1")).loses_connection();
    rig["a2"].connects(of("alice", "192.0.2.2:1")).loses_connection();
    rig["n1"].connects(of("", "192.0.2.1:1")).loses_connection();
    rig["b1"].connects(of("bob", "192.0.2.1:1"));
    CHECK(rig["n1"].tries_to_connect(of("", "192.0.2.1:1")).takes() == "CONNACK success present");
    CHECK(rig["a2"].tries_to_connect(of("alice", "192.0.2.1:1")).takes() == "CONNACK success present");
}

}  // namespace
}  // namespace ledge::broker
