// The index of AppliedRules, and rows of a queue with rules that the store returns although they were removed.
#include "ledge/session/applied_rules.hpp"

#include "ledge/session/limits.hpp"
#include "ledge/session/queue_rules.hpp"
#include "queue_rig.hpp"

namespace ledge::session {
namespace {

using Place = AppliedRules::Place;

TEST_CASE("the age limit counts from the second in which a message was queued, and only if one was noted") {
    const QueueRules rules{.age_max = 60s};
    const AppliedRules applied(rules);
    CHECK(applied.age_limit(AppliedRules::stamp(Instant(1000s))) == Instant(1060s));
    CHECK(applied.age_limit(AppliedRules::stamp(Instant(1000s + 1us))) == Instant(1061s));
    CHECK(applied.age_limit(0) == never);
    CHECK(AppliedRules::stamp(Instant{}) == 1);
    const QueueRules none;
    CHECK(AppliedRules(none).age_limit(5) == never);
}

TEST_CASE("the index has the newest place of each topic, and forgets it with its row only") {
    const QueueRules rules{.last_value = {"a/#"}};
    AppliedRules applied(rules);
    CHECK(applied.keeps_newest("a/b"));
    CHECK_FALSE(applied.keeps_newest("b"));
    CHECK(applied.set("a/b", {QueueRow(3)}));
    CHECK(applied.set("a/b", {QueueRow(5), true, MessageNumber(9), 70}));
    CHECK(applied.set("a/b", {QueueRow(4)}));
    REQUIRE(applied.find("a/b") != nullptr);
    CHECK(applied.find("a/b")->row == QueueRow(5));
    applied.forget("a/b", QueueRow(3));
    CHECK(applied.find("a/b") != nullptr);
    applied.forget_tail();
    CHECK(applied.find("a/b") == nullptr);
    CHECK(applied.set("a/c", {QueueRow(6)}));
    applied.forget(QueueRow(6));
    CHECK(applied.find("a/c") == nullptr);
    CHECK(applied.memory() == 0);
}

TEST_CASE("the index takes no more than its limits, and has room again when a topic has left") {
    const QueueRules rules{.last_value = {"#"}};
    AppliedRules applied(rules);
    for (std::size_t i = 0; i < AppliedRules::topics_max; ++i)
        REQUIRE(applied.set("t/" + std::to_string(i), {QueueRow(i + 1)}));
    CHECK_FALSE(applied.set("one more", {QueueRow(20'000)}));
    CHECK(applied.set("t/5", {QueueRow(20'001)}));
    applied.forget("t/5", QueueRow(20'001));
    CHECK(applied.set("one more", {QueueRow(20'002)}));
    CHECK(applied.memory() < 4 * 1024 * 1024);

    AppliedRules large(rules);
    const std::string topic(65'000, 'x');
    std::size_t count = 0;
    while (large.set(topic + std::to_string(count), {QueueRow(count + 1)})) ++count;
    CHECK(count == AppliedRules::topic_bytes_max / 65'001);
}

TEST_CASE("messages beyond the limit of the index are kept and counted") {
    QueueRig rig(200);
    const QueueRules rules{.last_value = {"#"}};
    rig.uses(rules);
    const std::string topic(65'000, 'x');
    const std::size_t room = AppliedRules::topic_bytes_max / 65'001;
    for (std::size_t i = 0; i < room + 2; ++i) rig.queues(topic + std::to_string(i), "1", qos1);
    rig.queues(topic + "0", "2", qos1);
    rig.queues(topic + std::to_string(room + 1), "2", qos1);
    CHECK(rig.services.counters.dropped_replaced == 1);
    CHECK(rig.services.counters.last_value_unindexed == 3);
    CHECK(rig.session->queue().size() == room + 3);
}

TEST_CASE("a row that was removed and is still in the store is not read back, also after memory was short") {
    for (const bool is_unloaded : {false, true}) {
        CAPTURE(is_unloaded);
        QueueRig rig(is_unloaded ? 200 : 1);
        const QueueRules rules{.last_value = {"s"}};
        rig.uses(rules);
        for (const char* payload : {"1", "2"}) rig.queues("d", payload, qos1);
        rig.queues("s", "old", qos1);
        rig.queues("d", "3", qos1);
        rig.commits();
        rig.queues("s", "new", qos1);
        CHECK(rig.shelf.rows.contains(QueueRow(3)));  // until the next commit
        if (is_unloaded) rig.session->queue().unload();
        CHECK(rig.session->queue().size() == 4);
        rig.resumes();
        const std::string first = rig.asked;
        CHECK(first.find("PUBLISH d 1 q1#1 | PUBLISH d 2 q1#2 | PUBLISH d 3 q1#4") != std::string::npos);
        CHECK(first.find("old") == std::string::npos);
        rig.commits();
        CHECK((first + rig.takes()).find("PUBLISH s new q1#5") != std::string::npos);
        CHECK(rig.services.counters.queued_messages == 4);
        for (const int id : {1, 2, 4, 5}) rig.sends(puback(static_cast<wire::PacketId>(id)));
        rig.commits();
        CHECK(rig.shelf.rows.empty());
        CHECK(rig.shelf.messages.empty());
        CHECK(rig.services.counters.queued_messages == 0);
        CHECK(rig.services.counters.queued_bytes == 0);
    }
}

TEST_CASE("an index that was full does not let an older message of a topic pass for the newest") {
    QueueRig rig(1);
    const QueueRules rules{.last_value = {"#"}};
    rig.uses(rules);
    const std::string filler(65'000, 'x');
    const std::size_t room = AppliedRules::topic_bytes_max / 65'001;
    rig.queues("first", "1", qos1);
    for (std::size_t i = 0; i < room; ++i) rig.queues(filler + std::to_string(i), "1", qos1);
    const std::string late(40'000, 'y');
    rig.queues(late, "old", qos1);  // finds no room in the index
    CHECK(rig.services.counters.last_value_unindexed == 1);
    rig.queues(filler + "0", "2", qos1);
    rig.commits();
    rig.session->queue().replace_earlier(filler + "1");  // its place becomes free
    rig.queues(late, "new", qos1);
    rig.commits();
    rig.listener.limits.outbox_bytes_max = 2 * AppliedRules::topic_bytes_max;  // all of them leave in one go
    rig.resumes();
    const std::string got = rig.asked + rig.takes();
    CHECK(got.find(" old ") == std::string::npos);
    CHECK(got.find(" new ") != std::string::npos);
    CHECK(rig.session->queue().pending().empty());
}

TEST_CASE("a damaged row of last_value leaves the index, and the counts stay right") {
    QueueRig rig(1);
    const QueueRules rules{.last_value = {"s"}};
    rig.uses(rules);
    rig.queues("d", "1", qos1);
    rig.queues("s", "2", qos1);
    rig.queues("d", "3", qos1);
    rig.commits();
    rig.shelf.messages.erase(journal::parse_queued(rig.shelf.rows[QueueRow(2)])->message);
    rig.resumes();
    CHECK(rig.services.counters.dropped_unreadable == 1);
    rig.is_gone();
    rig.queues("s", "4", qos1);
    CHECK(rig.services.counters.dropped_replaced == 0);
    CHECK(rig.session->queue().size() == 3);
}

}  // namespace
}  // namespace ledge::session
