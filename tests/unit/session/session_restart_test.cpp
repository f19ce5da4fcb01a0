// What of a session's queue a restart leaves as it was: packet ids, order, and what is known to have been sent.
#include "queue_rig.hpp"

#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {
namespace {

TEST_CASE("[MQTT-3.3.1-1] after a restart all that was queued before may be a repetition, and nothing newer is") {
    QueueRig rig(200);
    rig.listener.limits.inflight_max = 1;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.restarts();
    rig.queues("4");
    rig.commits();
    rig.resumes();
    for (wire::PacketId id = 1; id <= 4; ++id) rig.sends(puback(id));
    CHECK(rig.asked + " | " + rig.takes() ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3 dup | "
          "PUBLISH a 4 q1#4");
}

TEST_CASE("[MQTT-3.3.1-2] after a clean stop DUP goes with what was sent, and with nothing else") {
    QueueRig rig(200);
    rig.listener.limits.inflight_max = 2;
    rig.resumes();
    for (const char* payload : {"1", "2", "3", "4"}) rig.queues(payload);
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2");
    rig.stops_and_starts();
    rig.resumes();
    for (wire::PacketId id = 1; id <= 4; ++id) rig.sends(puback(id));
    CHECK(rig.asked + " | " + rig.takes() ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3 | "
          "PUBLISH a 4 q1#4");
}

TEST_CASE("[MQTT-3.3.1-2] what two kills and one connection leave in doubt is what may have been sent") {
    QueueRig rig(200);
    rig.listener.limits.inflight_max = 1;
    for (const char* payload : {"1", "2"}) rig.queues(payload);
    rig.commits();
    rig.restarts();  // 1 and 2 are in doubt
    rig.queues("3");
    rig.commits();
    rig.resumes();  // 1 is sent
    rig.stops_and_starts();
    rig.resumes();
    for (wire::PacketId id = 1; id <= 3; ++id) rig.sends(puback(id));
    CHECK(rig.asked + " | " + rig.takes() ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3");
}

TEST_CASE("[MQTT-3.3.1-1] what an earlier connection has opened and not sent waits too for the store to know of it") {
    QueueRig rig(200);
    rig.resumes();
    rig.queues("1", qos2);  // its id is on its way to the store
    rig.is_gone();
    rig.session->record_disconnection(never, journal::Urgency::lazy);
    rig.commits();
    rig.session->record_connection(journal::Urgency::lazy);
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present");  // a crash now leaves a record that says: never sent
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q2#1");
    rig.restarts(rig.session->queue().progress());
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q2#1 dup");
}

TEST_CASE("[MQTT-4.4.0-1] [MQTT-4.6.0-1] unacknowledged messages keep their packet ids and their order in a restart") {
    for (const bool is_clean : {true, false}) {
        CAPTURE(is_clean);
        QueueRig rig(200);
        rig.resumes();
        for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
        rig.queues("4", qos2);
        rig.queues("5");
        rig.commits();
        rig.commits();
        CHECK(rig.takes() ==
              "PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3 | PUBLISH a 4 q2#4 | PUBLISH a 5 q1#5");
        rig.sends(puback(1));
        rig.sends(puback(3));
        rig.commits();
        if (is_clean)
            rig.stops_and_starts();
        else
            rig.restarts();
        rig.resumes();
        rig.queues("6");
        CHECK(rig.asked + " | " + rig.takes() ==
              "CONNACK success present | PUBLISH a 2 q1#2 dup | PUBLISH a 4 q2#4 dup | PUBLISH a 5 q1#5 dup | "
              "PUBLISH a 6 q1#6");
    }
}

TEST_CASE("[MQTT-4.4.0-1] what was sent and has expired meanwhile is finished; in doubt it goes [MQTT-3.3.2-5]") {
    for (const bool is_clean : {true, false}) {
        CAPTURE(is_clean);
        QueueRig rig(200);
        rig.listener.limits.inflight_max = 1;
        for (const char* payload : {"1", "2"}) {
            Delivery one = delivery("a", payload, qos1, start + 10s);
            rig.session->queue().store(one, rig.session->is_online(), journal::Urgency::now);
            rig.session->queue().enqueue(std::move(one), rig.session->limits());
        }
        rig.commits();
        rig.resumes();
        CHECK(rig.asked.find("PUBLISH a 1 q1#1") != std::string::npos);
        if (is_clean)
            rig.stops_and_starts();
        else
            rig.restarts();
        rig.now += 20s;
        rig.resumes();
        rig.sends(puback(1));
        const std::string got = rig.asked + rig.takes();
        CHECK((got.find("PUBLISH a 1 q1#1 dup") != std::string::npos) == is_clean);
        CHECK(got.find("PUBLISH a 2") == std::string::npos);
        CHECK(rig.session->queue().size() == 0);
    }
}

TEST_CASE("room is made by the oldest that has not begun") {
    QueueRig rig(200);
    rig.listener.limits.inflight_max = 1;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.resumes();
    rig.stops_and_starts();
    const auto oldest = rig.session->queue().dequeue_oldest_droppable();
    REQUIRE(oldest.has_value());
    CHECK(as_text(oldest->publication.view().payload) == "2");
    CHECK(rig.session->queue().size() == 2);
    CHECK(rig.session->queue().pending().front().row == QueueRow(1));
    CHECK(rig.session->queue().pending().at(1).row == QueueRow(3));
    CHECK(rig.session->queue().dequeue_oldest_droppable().has_value());
    CHECK_FALSE(rig.session->queue().dequeue_oldest_droppable().has_value());
}

TEST_CASE("messages that no store has take packet ids from the same sequence") {
    QueueRig rig(200);
    rig.queues("1");
    rig.session->queue().enqueue(delivery("a", "2", qos1), rig.session->limits());
    rig.queues("3");
    rig.commits();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3");
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 3 q1#3 dup");
}

TEST_CASE("packet ids of an older release stay, and what waits has the ids behind them") {
    QueueRig rig(200);
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload, qos2);
    rig.commits();
    auto again = std::make_unique<Session>(rig.services.for_sessions, "c", rig.listener.limits);
    again->expiry_interval_s = 100;
    again->record().restore(rig.session->number(), {}, never);
    again->queue().restore(QueueRow(3), no_row, {});
    CHECK_FALSE(again->queue().is_own_id(QueueRow(2), 40));
    Delivery one;
    one.qos = qos2;
    one.message = journal::parse_queued(rig.shelf.rows[QueueRow(2)])->message;
    REQUIRE(again->queue().restore_exchange(QueueRow(2), copy_of(one), journal::OutState::sent_qos2, 40));
    rig.shelf.rows[QueueRow(2)] = {};
    rig.shelf.rows.erase(QueueRow(2));
    again->queue().restore_rows(2, 4, QueueRow(1));
    rig.session = std::move(again);
    rig.resumes();
    rig.commits();
    CHECK(rig.asked + " | " + rig.takes() ==
          "CONNACK success present | PUBLISH a 2 q2#40 dup | PUBLISH a 1 q2#41 dup | PUBLISH a 3 q2#43 dup");
    rig.is_gone();
    rig.session->record_disconnection(never, journal::Urgency::lazy);
    CHECK(rig.session->queue().progress().id_shift == 40);
}

}  // namespace
}  // namespace ledge::session
