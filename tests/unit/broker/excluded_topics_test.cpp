// The rules `excluded` and `excluded_client` (session/queue_rules.hpp): what one session leaves to another.
#include <string>

#include "ledge/broker/inspect.hpp"
#include "rules_rig.hpp"

namespace ledge::broker {
namespace {

/// The listener 2 stands for the priority lane of the bridge.
struct LaneRig : RulesRig {
    LaneRig() : RulesRig(with_lane()) {}
    static ShardOptions with_lane() {
        ShardOptions options =
            with_rules({.excluded = {"alarms/#", "+/urgent"}, .excluded_client = "$bridge/cloud/priority"});
        options.listeners.push_back({"bridge:cloud/priority", false, 10'000, {}});
        options.listeners[2].queue_rules = {.excluded_client = "$bridge/cloud"};
        return options;
    }
    static Wish lane() {
        Wish wish = bridge();
        wish.listener = 2;
        wish.proven = wish.client_id = "$bridge/cloud/priority";
        return wish;
    }
    void lane_subscribes() {
        (*this)["lane"].connects(lane()).subscribes("alarms/#", qos1).subscribes("+/urgent", qos1).loses_connection();
    }
};

TEST_CASE("a session gets its excluded topics as long as the other session does not") {
    LaneRig rig;
    rig.publishes("alarms/1", "before");
    CHECK(rig.queued() == 1);
    rig["lane"].connects(LaneRig::lane()).subscribes("+/urgent", qos1).loses_connection();
    rig.publishes("alarms/1", "without");
    CHECK(rig.queued() == 2);
    rig.lane_subscribes();
    rig.publishes("alarms/1", "with");
    CHECK(rig.queued() == 2);
    CHECK(rig.shard->find_session("$bridge/cloud/priority")->messages == 1);
    rig["lane"].connects(LaneRig::lane()).unsubscribes("alarms/#").loses_connection();
    rig.publishes("alarms/1", "after");
    rig.passes(1s);
    rig.restarts();
    rig["p"].connects().publishes("alarms/1", "restarted", qos1);
    CHECK(rig.gets() == "alarms/1 before, alarms/1 without, alarms/1 after, alarms/1 restarted");
}

TEST_CASE("who gets a message: a session that leaves the topic to another one would not get it") {
    for (const bool has_lane : {false, true}) {
        CAPTURE(has_lane);
        LaneRig rig;
        if (has_lane) rig.lane_subscribes();
        ReceiversQuestion question;
        question.topic = "alarms/1";
        while (!rig.shard->inspector().step(question)) continue;
        REQUIRE(question.receivers.size() == (has_lane ? 2 : 1));
        CHECK(question.receivers[0].client_id == "$bridge/cloud");
        CHECK(question.receivers[0].why_not ==
              (has_lane ? "the queue rules of this bridge leave the topic to $bridge/cloud/priority" : ""));
        if (has_lane) CHECK(question.receivers[1].why_not.empty());
    }
}

TEST_CASE("a session is owed retained messages of its excluded topics unless the other session is") {
    for (const bool has_lane : {false, true}) {
        CAPTURE(has_lane);
        LaneRig rig;
        if (has_lane) rig.lane_subscribes();
        rig["p"].publishes("alarms/1", "kept", qos1, true);
        rig["bridge"].acknowledges().connects(RulesRig::bridge());
        rig.passes(1s);
        rig["bridge"].forgets();
        rig["bridge"].subscribes("+/#", qos1);
        rig.passes(1s);
        CHECK((rig["bridge"].takes().find("alarms/1 kept") == std::string::npos) == has_lane);
    }
}

TEST_CASE("excluded topics do not reach the session, neither live nor retained nor through a second filter") {
    LaneRig rig;
    rig.lane_subscribes();
    rig["other"].connects().subscribes("#", qos1);
    rig["p"].publishes("alarms/kept", "0", qos1, true);
    rig["p"].publishes("plant/kept", "0", qos1, true);
    for (const char* topic : {"alarms", "alarms/1", "plant/urgent", "plant/1", "plant/urgent/x"})
        rig.publishes(topic, "1");
    CHECK(rig.queued() == 3);
    rig["bridge"].acknowledges().connects(RulesRig::bridge());
    rig.passes(1s);
    rig["bridge"].forgets();
    rig["bridge"].subscribes("+/#", qos1).subscribes("alarms/#", qos1);
    rig.publishes("alarms/1", "2");
    rig.passes(1s);
    const std::string got = rig["bridge"].takes();
    CHECK(got.find("plant/kept 0") != std::string::npos);
    CHECK(got.find("alarms") == std::string::npos);
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig["other"].takes().find("alarms/1 2") != std::string::npos);
}

TEST_CASE("messages of the excluded client do not reach the session, those of others do") {
    RulesRig rig({.excluded_client = "twin"});
    rig["twin"].connects().publishes("t", "1", qos1);
    rig.publishes("t", "2");
    CHECK(rig.gets() == "t 2");
}

}  // namespace
}  // namespace ledge::broker
