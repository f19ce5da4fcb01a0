#include "share_groups.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("a group that is gone is not found under its number, whoever has its place now") {
    Rng rng(1);
    ShareGroups groups(ShareStrategy::round_robin, rng, 3);
    constexpr FilterId filter{4};
    const ShareGroupId one = groups.create("g", filter);
    CHECK(one != no_share_group);
    CHECK(groups.at(one).name == "g");
    CHECK(groups.name_of(one) == "g");
    CHECK(groups.at(one).filter == filter);
    const ShareGroupId two = groups.create("h", filter);
    CHECK(one != two);
    groups.destroy(one);
    CHECK(groups.find(one) == nullptr);
    const ShareGroupId next = groups.create("i", filter.next());
    CHECK(next != one);
    CHECK(groups.find(one) == nullptr);
    CHECK(groups.find(next)->name == "i");
    CHECK(groups.find(two)->name == "h");
    CHECK(groups.find(no_share_group) == nullptr);
    CHECK(groups.find(ShareGroupId{12'345}) == nullptr);
    CHECK(groups.pick(groups.at(two), 0, "a") == nullptr);  // no members
}

// "a b c": who gets each of ten messages of two publishers in turn.
std::string order(Rig& rig, std::initializer_list<const char*> members, int messages = 6, QoS qos = qos0) {
    for (int i = 0; i < messages; ++i) rig[i % 2 == 0 ? "p" : "q"].publishes("t", std::to_string(i), qos);
    std::string out(static_cast<std::size_t>(messages), '?');
    for (const char* member : members) {
        const auto packets = rig[member].waiting();
        for (const std::string& packet : packets) {
            REQUIRE(packet.starts_with("PUBLISH t "));
            char& place = out[static_cast<std::size_t>(packet[10] - '0')];
            CHECK(place == '?');  // nobody gets what another has
            place = member[0];
        }
        rig[member].forgets();
    }
    return out;
}

Rig& with_members(Rig& rig, std::initializer_list<const char*> members) {
    for (const char* member : members) rig[member].connects(lasting).subscribes("$share/g/t", qos1);
    rig["p"].connects();
    rig["q"].connects();
    return rig;
}

ShardOptions with_strategy(ShareStrategy strategy) {
    ShardOptions options = plain_options();
    options.share_strategy = strategy;
    return options;
}

TEST_CASE("round robin: one after the other") {
    Rig rig(with_strategy(ShareStrategy::round_robin));
    with_members(rig, {"a", "b", "c"});
    CHECK(order(rig, {"a", "b", "c"}) == "abcabc");
}

TEST_CASE("random: everybody, by the seed") {
    Rig one(with_strategy(ShareStrategy::random)), other(with_strategy(ShareStrategy::random));
    with_members(one, {"a", "b"});
    with_members(other, {"a", "b"});
    const std::string first = order(one, {"a", "b"}, 10);
    CHECK(first == order(other, {"a", "b"}, 10));
    CHECK(first.find('a') != std::string::npos);
    CHECK(first.find('b') != std::string::npos);
    CHECK(first != "ababababab");
}

TEST_CASE("sticky by publisher: what one publishes goes to one member while it is ready") {
    Rig rig(with_strategy(ShareStrategy::sticky_publisher));
    with_members(rig, {"a", "b", "c", "d", "e"});
    const std::string got = order(rig, {"a", "b", "c", "d", "e"}, 10);
    for (std::size_t i = 2; i < got.size(); ++i) CHECK(got[i] == got[i - 2]);
    rig[std::string(1, got[0])].loses_connection();
    const std::string after = order(rig, {"a", "b", "c", "d", "e"}, 10);
    for (std::size_t i = 2; i < after.size(); ++i) CHECK(after[i] == after[i - 2]);
    CHECK(after[0] != got[0]);
}

TEST_CASE("least in flight: who has the fewest unacknowledged") {
    Rig rig(with_strategy(ShareStrategy::least_inflight));
    with_members(rig, {"a", "b"});
    rig["a"].subscribes("only/a", qos1);
    for (int i = 0; i < 3; ++i) rig["p"].publishes("only/a", "x", qos1);
    rig["a"].forgets();
    CHECK(order(rig, {"a", "b"}, 3, qos1) == "bbb");
    rig["a"].acks(1).acks(2).acks(3);
    CHECK(order(rig, {"a", "b"}, 3, qos1) == "aaa");
}

TEST_CASE("members that keep up come first, then those that are connected, then those that are away") {
    session::SessionLimits limits;
    limits.inflight_max = 1;
    ShardOptions options = plain_options();
    options.listeners[0].limits = limits;
    Rig rig(options);
    with_members(rig, {"a", "b", "c"});
    rig["c"].loses_connection();
    CHECK(order(rig, {"a", "b"}, 2, qos1) == "ab");
    // Both have their one exchange open: the next messages wait for them, none for the one that is away.
    for (int i = 0; i < 4; ++i) rig["p"].publishes("t", std::to_string(i), qos1);
    rig["a"].loses_connection();
    rig["b"].loses_connection();
    rig["c"].connects(lasting);
    CHECK(rig["c"].takes().empty());
    rig["c"].loses_connection();
    CHECK(rig["p"].publishes("t", "9", qos1) == "success");  // all are away: kept for one of them
    CHECK(rig.metrics().counters.queued_messages == 7);
}

TEST_CASE("of members that are away, one whose queue has room is picked") {
    ShardOptions options = with_strategy(ShareStrategy::sticky_publisher);
    options.listeners[0].limits.queue_messages_max = 1;
    Rig rig(options);
    with_members(rig, {"a", "b"});
    rig["a"].loses_connection();
    rig["b"].loses_connection();
    for (int i = 0; i < 2; ++i) rig["p"].publishes("t", std::to_string(i), qos1);
    CHECK(rig.counters().dropped() == 0);
    CHECK(rig.counters().queued_messages == 2);
    rig["p"].publishes("t", "2", qos1);
    CHECK(rig.counters().dropped_queue_full == 1);
    CHECK(rig["a"].connects(lasting).waiting().size() == 1);
    CHECK(rig["b"].connects(lasting).waiting().size() == 1);
}

TEST_CASE("[MQTT-4.8.2-4] each group gets its copy, beside the ordinary subscription of a member") {
    Rig rig;
    rig["a"].connects().subscribes("$share/g/t", qos0).subscribes("$share/h/+", qos0).subscribes("t", qos0);
    rig["b"].connects().subscribes("$share/g/t", qos0);
    rig["p"].connects();
    rig["p"].publishes("t", "1");
    rig["p"].publishes("t", "2");
    CHECK(rig["a"].waiting().size() + rig["b"].waiting().size() == 6);
    CHECK(rig["b"].waiting().size() == 1);
}

TEST_CASE("who has left a group gets nothing of it any more, and an empty group costs nothing") {
    Rig rig;
    with_members(rig, {"a", "b"});
    rig["a"].unsubscribes("$share/g/t");
    CHECK(order(rig, {"a", "b"}, 4) == "bbbb");
    rig["b"].unsubscribes("$share/g/t");
    CHECK(rig["p"].publishes("t", "x", qos1) == "no_matching_subscribers");
    CHECK(rig.metrics().subscriptions == 0);
}

}  // namespace
}  // namespace ledge::broker
