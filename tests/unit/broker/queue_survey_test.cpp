// The lengths of queues, the longest of them, and the most losses, through the shard and with many sessions.
#include "queue_survey.hpp"

#include "rig.hpp"

namespace ledge::broker {
namespace {

using Figures = std::vector<std::pair<std::string, std::uint64_t>>;

Figures figures_of(const std::vector<session::OwnerFigure>& list) {
    Figures figures;
    for (const session::OwnerFigure& one : list) figures.emplace_back(one.owner, one.value);
    return figures;
}

/// Offline sessions named s0, s1, ..., each with as many queued messages as `lengths` says.
void add_sleepers(Rig& rig, const std::vector<int>& lengths) {
    Client& publisher = rig["publisher"].connects();
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const std::string name = "s" + std::to_string(i);
        rig[name].connects(lasting).subscribes(name, qos1).loses_connection();
        for (int j = 0; j < lengths[i]; ++j) publisher.publishes(name, "x", qos1);
    }
    publisher.disconnects();
}

TEST_CASE("a survey counts the sessions by the length of their queue, and names the longest queues") {
    Rig rig;
    CHECK_FALSE(rig.metrics().queues.is_known);
    add_sleepers(rig, {0, 1, 9, 10, 99, 100, 3, 0, 2, 4, 5, 6, 7, 8});
    rig.shard->survey_queues();
    const QueueFindings& queues = rig.metrics().queues;
    REQUIRE(queues.is_known);
    CHECK(queues.sessions_by_length == std::array<std::uint64_t, 7>{2, 9, 2, 1, 0, 0, 0});
    CHECK(figures_of(queues.longest) == Figures{{"s5", 100},
                                                {"s4", 99},
                                                {"s3", 10},
                                                {"s2", 9},
                                                {"s13", 8},
                                                {"s12", 7},
                                                {"s11", 6},
                                                {"s10", 5},
                                                {"s9", 4},
                                                {"s6", 3}});
    CHECK(queues.losses.empty());
}

TEST_CASE("messages in flight are part of the queue, and a survey sees what has changed since the last one") {
    Rig rig;
    rig["busy"].connects().subscribes("t", qos1);  // it acknowledges nothing
    rig["p"].connects();
    for (int i = 0; i < 3; ++i) rig["p"].publishes("t", "x", qos1);
    rig.shard->survey_queues();
    CHECK(figures_of(rig.metrics().queues.longest) == Figures{{"busy", 3}});
    for (wire::PacketId id = 1; id <= 3; ++id) rig["busy"].acks(id);
    rig.shard->survey_queues();
    CHECK(rig.metrics().queues.longest.empty());
    CHECK(rig.metrics().queues.sessions_by_length[0] == 2);
}

TEST_CASE("the sessions with the most losses are named, refused messages left out") {
    session::SessionLimits limits;
    limits.queue_messages_max = 2;
    limits.overflow = session::OverflowPolicy::drop_newest;
    Rig rig(limits);
    add_sleepers(rig, {2, 3, 7});
    rig.shard->survey_queues();
    CHECK(figures_of(rig.metrics().queues.losses) == Figures{{"s2", 5}, {"s1", 1}});
}

TEST_CASE("with many sessions a survey takes several turns, and the earlier findings stay until it is complete") {
    Rig rig;
    rig["first"].connects(lasting);
    rig.shard->survey_queues();
    CHECK(rig.metrics().queues.sessions_by_length[0] == 1);
    for (std::uint32_t i = 0; i < 2 * QueueSurvey::slots_per_step; ++i) {
        const std::string id = "c" + std::to_string(i);
        Client& client = rig["many"].connects({.clean = false, .expiry = 3600, .client_id = id});
        client.disconnects();
    }
    const std::uint64_t sessions = rig.metrics().sessions;
    CHECK(sessions == 2 * QueueSurvey::slots_per_step + 1);
    rig.shard->survey_queues();
    CHECK(rig.metrics().queues.sessions_by_length[0] == 1);
    CHECK(rig.shard->next_deadline() <= rig.now);  // the driver comes again at once
    rig.shard->on_time(rig.now);
    CHECK(rig.metrics().queues.sessions_by_length[0] == 1);
    rig.shard->survey_queues();  // goes on with the one under way
    rig.shard->on_time(rig.now);
    CHECK(rig.metrics().queues.sessions_by_length[0] == sessions);
    CHECK(rig.shard->next_deadline() > rig.now);
}

}  // namespace
}  // namespace ledge::broker
