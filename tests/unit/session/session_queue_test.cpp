// A session's queue with a store behind it: the window in memory, the tail on disk, and what the store must know.
#include <map>

#include "ledge/session/records.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

/// A store of the simplest kind: what was committed, by number.
struct Shelf {
    std::map<std::uint64_t, std::vector<Byte>> rows;      // of session 1
    std::map<std::uint64_t, std::vector<Byte>> messages;  // publication records
    int readings = 0;

    StoreReader reader() {
        StoreReader reader;
        reader.context = this;
        reader.queued = [](void* self, std::uint64_t, std::uint64_t from, std::size_t rows_max, std::size_t,
                           std::vector<StoredDelivery>& out) {
            Shelf& shelf = *static_cast<Shelf*>(self);
            ++shelf.readings;
            for (auto row = shelf.rows.lower_bound(from); row != shelf.rows.end() && rows_max-- > 0; ++row) {
                StoredDelivery& delivery = out.emplace_back();
                delivery.row = {row->first, row->second};
                const auto record = parse_queued(row->second);
                if (record && shelf.messages.contains(record->message))
                    delivery.publication = shelf.messages[record->message];
            }
        };
        reader.message = [](void* self, std::uint64_t number, std::vector<Byte>& out) {
            Shelf& shelf = *static_cast<Shelf*>(self);
            if (!shelf.messages.contains(number)) return false;
            out = shelf.messages[number];
            return true;
        };
        return reader;
    }
};

struct QueueRig : Rig {
    explicit QueueRig(std::uint32_t window = 2) : Rig(enabled()) {
        log = Log(
            LogLevel::error,
            [](void* self, const LogRecord& record) {
                CHECK(mismatch_with_table(record) == "");
                static_cast<QueueRig*>(self)->complaints += std::string(record.event) + " ";
            },
            this);
        environment.store = shelf.reader();
        listener.limits.queue_window_messages = window;
        session = std::make_unique<Session>(environment, "c", listener.limits);
        session->expiry_interval_s = 100;
        session->put_record(never, Urgency::now);
        commits();
    }
    static JournalOptions enabled() {
        JournalOptions options;
        options.is_enabled = true;
        return options;
    }
    void resumes() { connects(connect_v5(), true); }
    /// Stored and queued, as the broker does for an offline session.
    void queues(std::string_view payload, QoS qos = qos1) {
        Delivery one = delivery("a", payload, qos);
        session->store(one, Urgency::now);
        session->enqueue(std::move(one));
        if (connection != nullptr) connection->pump(now);
    }
    void commits() {
        const Batch batch = environment.journal.take(now);
        written = "";
        for (const Record& record : batch.records) write(record, batch.body(record));
        environment.journal.on_committed(batch.last);
        for (Connection* one : std::exchange(environment.waiting_connections, {})) {
            one->stop_waiting();
            one->on_committed();
        }
        for (Session* one : std::exchange(environment.waiting_sessions, {})) {
            one->stop_waiting();
            if (one->connection() != nullptr) one->connection()->pump(now);
        }
    }
    void write(const Record& record, Bytes body) {
        const std::vector<Byte> bytes(body.begin(), body.end());
        const std::string number = std::to_string(record.number);
        switch (record.kind) {
            case RecordKind::put_queued:
                shelf.rows[record.number] = bytes;
                written += "+q" + number + " ";
                break;
            case RecordKind::drop_queued:
                shelf.rows.erase(record.number);
                written += "-q" + number + " ";
                break;
            case RecordKind::put_message:
                shelf.messages[record.number] = bytes;
                written += "+m ";
                break;
            case RecordKind::drop_message:
                shelf.messages.erase(record.number);
                written += "-m ";
                break;
            default: break;
        }
    }
    /// As after a restart: a session that knows what the store has.
    void restarts() {
        is_gone();
        auto again = std::make_unique<Session>(environment, "c", listener.limits);
        again->expiry_interval_s = 100;
        again->restore(session->number(), shelf.rows.empty() ? 0 : shelf.rows.rbegin()->first);
        std::uint64_t waiting = 0;
        std::uint64_t bytes = 0;
        for (const auto& [row, body] : shelf.rows) {
            const auto record = parse_queued(body);
            if (!record) continue;
            if (record->state == OutState::done) ++waiting, bytes += record->bytes;
            Delivery one;
            one.message = record->message;
            one.qos = record->qos;
            if (record->state != OutState::done)
                REQUIRE(again->restore_exchange(row, one, record->state, record->packet_id));
        }
        again->restore_queue(waiting, bytes, shelf.rows.empty() ? 0 : shelf.rows.begin()->first);
        session = std::move(again);
    }

    Shelf shelf;
    std::string written;     // by the last commit
    std::string complaints;  // errors in the log
};

TEST_CASE("what does not fit the window stays in the store, and is loaded when its turn comes") {
    QueueRig rig(2);
    for (const char* payload : {"1", "2", "3", "4", "5"}) rig.queues(payload);
    rig.commits();
    CHECK(rig.written == "+m +q1 +m +q2 +m +q3 +m +q4 +m +q5 ");
    CHECK(rig.session->pending().loaded() == 2);
    CHECK(rig.session->pending().stored_rows() == 3);
    CHECK(rig.session->backlog() == 5);
    rig.resumes();
    CHECK(rig.asked ==
          "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3 | "
          "PUBLISH a 4 q1#4 | PUBLISH a 5 q1#5");
    CHECK(rig.session->pending().empty());
    CHECK(rig.environment.counters.queued_messages == 5);
    CHECK(rig.environment.counters.queued_bytes == 0);
}

TEST_CASE("a large message goes to the tail, however few there are; what follows goes behind it") {
    QueueRig rig(100);
    rig.listener.limits.queue_window_bytes = 50;
    rig.queues("1");
    rig.queues(std::string(60, 'x'));
    rig.queues("3");
    CHECK(rig.session->pending().loaded() == 1);
    CHECK(rig.session->pending().stored_rows() == 2);
    rig.commits();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 60B q1#2 | PUBLISH a 3 q1#3");
}

TEST_CASE("the tail is read no faster than the subscriber acknowledges") {
    QueueRig rig(1);
    rig.listener.limits.inflight_max = 2;
    for (int i = 1; i <= 500; ++i) rig.queues(std::to_string(i));
    rig.commits();
    rig.resumes();
    rig.shelf.readings = 0;
    CHECK(rig.session->pending().loaded() < 250);
    for (wire::PacketId id = 1; id <= 500; ++id) rig.sends(puback(id));
    const std::string got = rig.takes();
    CHECK(got.find("PUBLISH a 500 q1#500") != std::string::npos);
    CHECK(rig.shelf.readings < 5);
    CHECK(rig.session->backlog() == 0);
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
    CHECK_FALSE(rig.environment.journal.has_pending());
    rig.queues("2");
    rig.commits();
    CHECK(rig.written == "+m +q2 ");
    rig.sends(puback(2));
    rig.commits();
    CHECK(rig.written == "-q2 -m ");
}

TEST_CASE("one message with several rows is written once, and goes with the last of them") {
    QueueRig rig;
    Session other(rig.environment, "d", rig.listener.limits);
    other.put_record(never, Urgency::now);
    const Delivery shared = delivery("a", "x", qos1);
    Delivery mine = shared;
    Delivery theirs = shared;
    rig.session->store(mine, Urgency::now);
    other.store(theirs, Urgency::now);
    CHECK(mine.message == theirs.message);
    rig.commits();
    CHECK(rig.written == "+m +q1 +q1 ");
    rig.session->discard(mine);
    rig.commits();
    CHECK(rig.written == "-q1 ");
    other.discard(theirs);
    rig.commits();
    CHECK(rig.written == "-q1 -m ");
}

TEST_CASE("a publication that outlives its record gets another one") {
    QueueRig rig;
    const Delivery retained = delivery("a", "x", qos2);
    Delivery first = retained;
    rig.session->store(first, Urgency::now);
    rig.commits();
    first.publication = {};  // as a released exchange does
    rig.session->discard(first);
    Delivery second = retained;
    rig.session->store(second, Urgency::now);
    rig.commits();
    CHECK(rig.written == "-q1 -m +m +q2 ");
    CHECK(rig.shelf.messages.contains(second.message));
    rig.session->discard(second);
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

TEST_CASE("a row whose message is gone is dropped, counted and logged; delivery goes on") {
    QueueRig rig;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.shelf.messages.erase(parse_queued(rig.shelf.rows[2])->message);
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 3 q1#2 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.environment.counters.dropped_unreadable == 1);
    CHECK(rig.environment.counters.queued_messages == 2);
    rig.sends(puback(1));
    rig.sends(puback(2));
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.environment.counters.queued_messages == 0);
    CHECK(rig.environment.counters.queued_bytes == 0);
}

TEST_CASE("a row that does not read is dropped, counted and logged; delivery goes on") {
    QueueRig rig;
    for (const char* payload : {"1", "2", "3"}) rig.queues(payload);
    rig.commits();
    rig.shelf.rows[2] = {1, 2, 3};
    rig.restarts();
    CHECK(rig.session->backlog() == 2);
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 3 q1#2 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.environment.counters.dropped_unreadable == 1);
    rig.sends(puback(1));
    rig.sends(puback(2));
    rig.commits();
    CHECK(rig.shelf.rows.empty());
    CHECK(rig.environment.counters.queued_messages == 0);
}

TEST_CASE("an exchange whose message is gone ends, counted and logged; the others go on") {
    QueueRig rig;
    rig.resumes();
    rig.queues("1", qos2);
    rig.queues("2", qos2);
    rig.commits();
    rig.commits();
    CHECK(rig.takes() == "PUBLISH a 1 q2#1 | PUBLISH a 2 q2#2");
    rig.shelf.messages.erase(parse_queued(rig.shelf.rows[1])->message);
    rig.restarts();
    rig.resumes();
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 2 q2#2 dup");
    CHECK(rig.complaints == "stored_message_unreadable ");
    CHECK(rig.environment.counters.dropped_unreadable == 1);
    CHECK(rig.session->backlog() == 1);
}

TEST_CASE("an exchange that does not fit behind the others is refused") {
    QueueRig rig;
    Delivery one;
    one.qos = qos2;
    CHECK_FALSE(rig.session->restore_exchange(1, one, OutState::sent_qos2, 0));
    CHECK_FALSE(rig.session->restore_exchange(1, one, OutState::done, 3));
    CHECK(rig.session->restore_exchange(1, one, OutState::sent_qos2, 40));
    CHECK_FALSE(rig.session->restore_exchange(2, one, OutState::sent_qos2, 40));
    CHECK_FALSE(rig.session->restore_exchange(2, one, OutState::sent_qos2, 39));
    CHECK(rig.session->restore_exchange(2, one, OutState::released, 42));
    CHECK(rig.session->backlog() == 2);
}

}  // namespace
}  // namespace ledge::session
