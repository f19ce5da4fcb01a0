#include "ledge/bridge/route_set.hpp"

#include <doctest/doctest.h>

#include "ledge/bridge/filter_algebra.hpp"
#include "routes.hpp"

namespace ledge::bridge {
namespace {

using wire::QoS;

Route carrying(Direction direction, std::string filter, QoS qos = QoS::at_least_once, std::string local = "",
               std::string remote = "") {
    return route_of(direction, std::move(filter), std::move(local), std::move(remote), qos);
}

std::string listed(const std::vector<Subscription>& all) {
    std::string text;
    for (const auto& one : all) {
        if (!text.empty()) text += ' ';
        text += one.filter + ':' + std::to_string(static_cast<int>(one.qos));
    }
    return text;
}

TEST_CASE("subscriptions within some filters are exactly the topics that both match") {
    const RouteSet set({carrying(Direction::out, "#", QoS::at_least_once, "plant/"),
                        carrying(Direction::both, "b/+/x", QoS::exactly_once), carrying(Direction::in, "alarms/#")});
    CHECK(listed(set.local_subscriptions({"+/alarms/#", "b/1/#"})) == "plant/alarms/#:1 b/alarms/x:2 b/1/x:2");
    CHECK(listed(set.local_subscriptions({"plant/#", "plant/alarms/#"})) == "plant/#:1");
    CHECK(set.local_subscriptions({"alarms/#"}).empty());
}

TEST_CASE("the first route that carries a topic carries it, in its direction only") {
    const RouteSet set({carrying(Direction::out, "a/b", QoS::at_most_once, "", "first/"),
                        carrying(Direction::both, "a/#", QoS::at_least_once, "", "second/"),
                        carrying(Direction::in, "cmd/#")});
    std::string topic;
    REQUIRE(set.outgoing("a/b", topic) != nullptr);
    CHECK(topic == "first/a/b");
    REQUIRE(set.outgoing("a/c", topic) != nullptr);
    CHECK(topic == "second/a/c");
    CHECK(set.outgoing("cmd/x", topic) == nullptr);
    CHECK(set.incoming("first/a/b", topic) == nullptr);
    REQUIRE(set.incoming("second/a/b", topic) != nullptr);
    CHECK(topic == "a/b");
    REQUIRE(set.incoming("cmd/x", topic)->direction == Direction::in);
    CHECK(set.may_have_sent("second/a/c"));
    CHECK_FALSE(set.may_have_sent("cmd/x"));
}

TEST_CASE("a response topic is translated so that the answer comes back by a route of the other direction") {
    const RouteSet set({carrying(Direction::out, "ask/#", QoS::at_least_once, "", "site/"),
                        carrying(Direction::in, "answer/#", QoS::at_least_once, "", "site/")});
    std::string topic;
    CHECK(set.response_topic_out("answer/1", topic));
    CHECK(topic == "site/answer/1");
    CHECK_FALSE(set.response_topic_out("ask/1", topic));
    CHECK(set.response_topic_in("site/ask/1", topic));
    CHECK(topic == "ask/1");
    CHECK_FALSE(set.response_topic_in("site/answer/1", topic));
}

TEST_CASE("the bridge subscribes at each side to what its routes carry from there") {
    const RouteSet set({carrying(Direction::out, "a/#", QoS::at_least_once, "", "site/"),
                        carrying(Direction::in, "cmd/#", QoS::exactly_once, "cloud/"),
                        carrying(Direction::both, "x", QoS::at_most_once, "", "site/")});
    CHECK(listed(set.local_subscriptions()) == "a/#:1 x:0");
    CHECK(listed(set.remote_subscriptions(OverlapCopies::one)) == "cmd/#:2 site/x:0");
    CHECK(set.outgoing_growth_max() == 5);
    CHECK(set.outgoing_qos_max() == QoS::at_least_once);  // the route of QoS 2 comes in
    CHECK(RouteSet().outgoing_qos_max() == QoS::at_most_once);
}

TEST_CASE("a filter that another one covers is not subscribed to, and the larger QoS counts") {
    const RouteSet set({carrying(Direction::both, "a/b", QoS::exactly_once), carrying(Direction::both, "a/#"),
                        carrying(Direction::both, "a/+", QoS::at_most_once)});
    CHECK(listed(set.local_subscriptions()) == "a/#:2");
    CHECK(listed(set.remote_subscriptions(OverlapCopies::one)) == "a/#:2");
}

TEST_CASE("an upstream that sends a copy per filter gets filters without a common topic") {
    const RouteSet set({carrying(Direction::in, "a/+", QoS::at_most_once), carrying(Direction::in, "+/b"),
                        carrying(Direction::in, "q/#"), carrying(Direction::in, "$s/+/x"),
                        carrying(Direction::in, "$s/y/+")});
    CHECK(listed(set.remote_subscriptions(OverlapCopies::one)) == "a/+:0 +/b:1 q/#:1 $s/+/x:1 $s/y/+:1");
    const auto merged = set.remote_subscriptions(OverlapCopies::per_filter);
    CHECK(listed(merged) == "#:1 $s/+/+:1");  // "+/+" overlaps "q/#"
    for (const auto& a : merged)
        for (const auto& b : merged) CHECK((a == b || !intersects(a.filter, b.filter)));
}

}  // namespace
}  // namespace ledge::bridge
