// A session's queue with a store behind it: the window in memory, the tail on disk, and what the store must know.
#include "queue_rig.hpp"

#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/queue_losses.hpp"

namespace ledge::session {
namespace {

TEST_CASE("what does not fit the window stays in the store, and is loaded when its turn comes") {
    QueueRig rig(2);
    for (const char* payload : {"1", "2", "3", "4", "5"}) rig.queues(payload);
    rig.commits();
    CHECK(rig.written == "+m +q1 +m +q2 +m +q3 +m +q4 +m +q5 ");
    CHECK(rig.session->queue().pending().loaded() == 2);
    CHECK(rig.session->queue().pending().stored_rows() == 3);
    CHECK(rig.session->queue().size() == 5);
    rig.resumes();
    CHECK(rig.asked ==
          "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3 | "
          "PUBLISH a 4 q1#4 | PUBLISH a 5 q1#5");
    CHECK(rig.session->queue().pending().empty());
    CHECK(rig.services.counters.queued_messages == 5);
    CHECK(rig.services.counters.queued_bytes == 0);
}

TEST_CASE("a large message goes to the tail, however few there are; what follows goes behind it") {
    QueueRig rig(100);
    rig.listener.limits.queue_window_bytes = 50;
    rig.queues("1");
    rig.queues(std::string(60, 'x'));
    rig.queues("3");
    CHECK(rig.session->queue().pending().loaded() == 1);
    CHECK(rig.session->queue().pending().stored_rows() == 2);
    rig.commits();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 60B q1#2 | PUBLISH a 3 q1#3");
}

TEST_CASE("[MQTT-4.6.0-1] what only memory has comes behind the tail in the store, not before it") {
    QueueRig rig(2);
    const auto queues_unstored = [&](std::string_view payload) {
        rig.session->queue().enqueue(delivery("ram", payload, qos1), rig.session->limits());
    };
    for (const char* payload : {"1", "2", "3", "4"}) rig.queues(payload);
    queues_unstored("5");
    rig.queues("6");
    queues_unstored("7");
    rig.commits();
    rig.restarts();
    queues_unstored("8");  // 5 and 7 are gone with the memory, their rows are not given again before 6
    rig.resumes();
    CHECK(rig.asked ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3 dup | "
          "PUBLISH a 4 q1#4 dup | PUBLISH a 6 q1#6 dup | PUBLISH ram 8 q1#7");
    CHECK(rig.session->queue().pending().empty());
}

TEST_CASE("what only memory has waits for the rows before it that no commit has yet, unless none will") {
    for (const bool fails : {false, true}) {
        CAPTURE(fails);
        QueueRig rig(1);
        rig.queues("1");
        rig.queues("2");
        rig.session->queue().enqueue(delivery("ram", "3", qos1), rig.session->limits());
        if (fails) rig.services.journal.on_failed();
        rig.resumes();
        const std::string at_once = "CONNACK success present | PUBLISH a 1 q1#1";
        CHECK(rig.asked == (fails ? at_once + " | PUBLISH ram 3 q1#3" : at_once));
        if (fails) continue;
        rig.commits();
        CHECK(rig.takes() == "PUBLISH a 2 q1#2 | PUBLISH ram 3 q1#3");
    }
}

TEST_CASE("the tail is read no faster than the subscriber acknowledges") {
    QueueRig rig(1);
    rig.listener.limits.inflight_max = 2;
    for (int i = 1; i <= 500; ++i) rig.queues(std::to_string(i));
    rig.commits();
    rig.resumes();
    rig.shelf.readings = 0;
    CHECK(rig.session->queue().pending().loaded() < 250);
    for (wire::PacketId id = 1; id <= 500; ++id) rig.sends(puback(id));
    const std::string got = rig.takes();
    CHECK(got.find("PUBLISH a 500 q1#500") != std::string::npos);
    CHECK(rig.shelf.readings < 5);
    CHECK(rig.session->queue().size() == 0);
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.shelf.messages.empty());
}

TEST_CASE("the end of the tail that is on its way to the store is delivered when it has arrived") {
    QueueRig rig(1);
    rig.queues("1");
    rig.queues("2");
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1");
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 2 q1#2");
}

TEST_CASE("a message acknowledged before the commit has taken it is never written") {
    QueueRig rig;
    rig.resumes();
    rig.queues("1");
    CHECK(rig.takes() == "PUBLISH a 1 q1#1");
    rig.sends(puback(1));
    CHECK_FALSE(rig.services.journal.has_pending());
    rig.queues("2");
    rig.commits();
    CHECK(rig.written == "+m +q2 ");
    rig.sends(puback(2));
    rig.commits();
    CHECK(rig.written == "-q2 -m ");
}

TEST_CASE("one message with several rows is written once, and goes with the last of them") {
    QueueRig rig;
    Session other(rig.services.for_sessions, "d", rig.listener.limits);
    other.put_record(never, journal::Urgency::now);
    const Delivery shared = delivery("a", "x", qos1);
    Delivery mine = copy_of(shared);
    Delivery theirs = copy_of(shared);
    rig.session->queue().store(mine, rig.session->is_online(), journal::Urgency::now);
    other.queue().store(theirs, other.is_online(), journal::Urgency::now);
    CHECK(mine.message == theirs.message);
    rig.commits();
    CHECK(rig.written == "+m +q1 +q1 ");
    rig.session->queue().discard(mine);
    rig.commits();
    CHECK(rig.written == "-q1 ");
    other.queue().discard(theirs);
    rig.commits();
    CHECK(rig.written == "-q1 -m ");
}

TEST_CASE("a publication that outlives its record gets another one") {
    QueueRig rig;
    const Delivery retained = delivery("a", "x", qos2);
    Delivery first = copy_of(retained);
    rig.session->queue().store(first, rig.session->is_online(), journal::Urgency::now);
    rig.commits();
    first.publication = {};  // as a released exchange does
    rig.session->queue().discard(first);
    Delivery second = copy_of(retained);
    rig.session->queue().store(second, rig.session->is_online(), journal::Urgency::now);
    rig.commits();
    CHECK(rig.written == "-q1 -m +m +q2 ");
    CHECK(rig.shelf.messages.contains(second.message));
    rig.session->queue().discard(second);
}

TEST_CASE("QoS 2 is sent when its packet id is durable, and again with the same id after a restart") {
    QueueRig rig;
    rig.resumes();
    rig.queues("1", qos2);
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q2#1");
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q2#1 dup");
    rig.sends(pubrec(1));
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBREL 1");
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBREL 1");
    rig.sends(pubcomp(1));
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.shelf.messages.empty());
}

TEST_CASE("with Receive Maximum 1, what waited for a commit when the connection broke goes before anything new") {
    QueueRig rig(200);
    wire::PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 1);
    rig.connects(connect_v5(&properties), true);
    rig.queues("1", qos2);
    rig.connects(connect_v5(&properties), true);
    CHECK(rig.asked == "CONNACK success present");
    rig.queues("2", qos1);
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q2#1");
    rig.sends(pubrec(1));
    rig.commits();
    rig.sends(pubcomp(1));
    CHECK(rig.takes() == "PUBREL 1 | PUBLISH a 2 q1#2");
}

TEST_CASE("a row whose message is gone is dropped, counted and logged; delivery goes on") {
    QueueRig rig;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.shelf.messages.erase(journal::parse_queued(rig.shelf.rows[QueueRow(2)])->message);
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 3 q1#3 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.services.counters.dropped_unreadable == 1);
    REQUIRE(rig.session->queue().losses() != nullptr);
    CHECK(rig.session->queue().losses()->unreadable == 1);
    CHECK(rig.session->queue().losses()->removed_messages == 1);
    CHECK(rig.services.counters.queued_messages == 2);
    rig.sends(puback(1));
    rig.sends(puback(3));
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.services.counters.queued_messages == 0);
    CHECK(rig.services.counters.queued_bytes == 0);
}

TEST_CASE("a row that does not read is dropped, counted and logged; delivery goes on") {
    QueueRig rig;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.shelf.rows[QueueRow(2)] = {1, 2, 3};
    rig.restarts();
    CHECK(rig.session->queue().size() == 2);
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 3 q1#3 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.services.counters.dropped_unreadable == 1);
    REQUIRE(rig.session->queue().losses() != nullptr);
    CHECK(rig.session->queue().losses()->unreadable == 1);
    CHECK(rig.session->queue().losses()->removed_messages == 0);  // the start has not counted the row
    rig.sends(puback(1));
    rig.sends(puback(3));
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.services.counters.queued_messages == 0);
}

TEST_CASE("rows that the store loses while the broker runs leave no place in the queue that nothing can pass") {
    QueueRig rig;
    for (const char* payload : {"1", "2", "3", "4", "5"}) rig.queues(payload);
    rig.commits();
    rig.shelf.rows.erase(QueueRow(4));
    rig.shelf.rows.erase(QueueRow(5));
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3");
    CHECK(rig.session->queue().pending().empty());
    CHECK(rig.services.counters.queued_messages == 3);  // in flight
    CHECK(rig.services.counters.dropped_unreadable == 2);
    CHECK(rig.complaints == "stored_message_unreadable ");
    rig.queues("6");
    CHECK(rig.takes() == "PUBLISH a 6 q1#6");
}

TEST_CASE("an exchange whose message is gone ends, counted and logged; the others go on") {
    QueueRig rig;
    rig.resumes();
    rig.queues("1", qos2);
    rig.queues("2", qos2);
    rig.commits();
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q2#1 | PUBLISH a 2 q2#2");
    rig.shelf.messages.erase(journal::parse_queued(rig.shelf.rows[QueueRow(1)])->message);
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 2 q2#2 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.services.counters.dropped_unreadable == 1);
    CHECK(rig.session->queue().size() == 1);
}

TEST_CASE("an exchange that does not fit behind the others is refused") {
    QueueRig rig;
    Delivery one;
    one.qos = qos2;
    CHECK_FALSE(rig.session->queue().restore_exchange(QueueRow(1), copy_of(one), journal::OutState::sent_qos2, 0));
    CHECK_FALSE(rig.session->queue().restore_exchange(QueueRow(1), copy_of(one), journal::OutState::done, 3));
    CHECK(rig.session->queue().restore_exchange(QueueRow(1), copy_of(one), journal::OutState::sent_qos2, 40));
    CHECK_FALSE(rig.session->queue().restore_exchange(QueueRow(2), copy_of(one), journal::OutState::sent_qos2, 40));
    CHECK_FALSE(rig.session->queue().restore_exchange(QueueRow(2), copy_of(one), journal::OutState::sent_qos2, 39));
    CHECK(rig.session->queue().restore_exchange(QueueRow(2), copy_of(one), journal::OutState::released, 42));
    CHECK(rig.session->queue().size() == 2);
}

}  // namespace
}  // namespace ledge::session
