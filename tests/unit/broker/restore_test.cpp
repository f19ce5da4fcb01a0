// A shard starts from any image: what does not fit is left out and said.
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/queue_rules.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

using journal::OutState;
using journal::QueuedRecord;
using journal::SessionRecord;

std::vector<Byte> bytes_of(const Blob& blob) { return {blob.bytes().begin(), blob.bytes().end()}; }

journal::StoredSession stored(std::uint64_t number, std::string_view client_id) {
    journal::StoredSession session;
    session.number = SessionNumber(number);
    session.record = bytes_of(encode(SessionRecord{client_id, 3600, never, false, std::nullopt}));
    return session;
}

std::vector<Byte> queued(std::uint64_t message, wire::PacketId id, OutState state) {
    return bytes_of(encode(QueuedRecord{MessageNumber(message), 3, 0, id, state, qos2, false, {}}));
}

/// A shard that starts from `image`, before an empty store.
struct ImageRig {
    journal::StoreImage image;
    EventLog log;
    storage::MemoryStore store;
    std::unique_ptr<Shard> shard;

    void starts() { shard = std::make_unique<Shard>(stored_options(), log.log, 1, image, store.reader()); }
    void commits(int times) {
        for (; times > 0; --times) {
            const auto report = store.commit(shard->take_batch(image.now));
            shard->on_committed(report->last, 0, image.now);
        }
    }
};

TEST_CASE("an empty image starts an empty shard, with its numbers and its time") {
    ImageRig rig;
    rig.image.next_number = 77;
    rig.image.now = start + 5s;
    rig.starts();
    CHECK(rig.shard->metrics().sessions == 0);
    CHECK(rig.log.events.empty());
}

TEST_CASE("a session record that does not read, or a second one of the same client, is left out and said") {
    ImageRig rig;
    rig.image.sessions = {stored(1, "a"), stored(2, "b"), stored(3, "a")};
    rig.image.sessions[1].record.resize(5);
    rig.starts();
    CHECK(rig.shard->metrics().sessions == 1);
    CHECK(rig.log.count("stored_session_unreadable") == 2);
}

TEST_CASE("the session of a bridge has the limits of its queue at once; without the bridge it collects no more") {
    for (const bool is_configured : {true, false}) {
        CAPTURE(is_configured);
        ImageRig rig;
        rig.image.sessions = {stored(1, "$bridge/cloud")};
        rig.image.sessions[0].subscriptions = {{1, bytes_of(encode(journal::SubscriptionRecord{{qos1}, 0, "a/+"}))}};
        ShardOptions options = stored_options();
        if (is_configured) {
            options.listeners.emplace_back().name = "bridge:cloud";
            options.listeners.back().limits.queue_stored_messages_max = 3;
            options.listeners.back().limits.overflow = session::OverflowPolicy::drop_newest;
        }
        rig.shard = std::make_unique<Shard>(options, rig.log.log, 1, rig.image, rig.store.reader());
        CHECK(rig.shard->metrics().sessions == 1);
        CHECK(rig.shard->subscriptions_of("$bridge/cloud").size() == (is_configured ? 1 : 0));
        CHECK(rig.log.count("bridge_session_left") == (is_configured ? 0 : 1));
    }
}

TEST_CASE("a bridge that was removed and returns finds no subscriptions, so that it owes the retained messages again") {
    for (const bool is_lane : {false, true}) {
        CAPTURE(is_lane);
        ShardOptions with = stored_options();
        with.listeners.emplace_back().name = "bridge:cloud";
        ShardOptions without = stored_options();
        const char* const client_id = is_lane ? "$bridge/cloud/priority" : "$bridge/cloud";
        if (is_lane) {
            with.listeners.emplace_back().name = "bridge:cloud/priority";
            without = with;
            without.listeners.back().queue_rules = session::QueueRules{.only_empties = true};
        }
        Rig rig(with);
        const Wish bridge{.clean = false,
                          .expiry = 0xFFFF'FFFF,
                          .listener = static_cast<std::uint16_t>(with.listeners.size() - 1),
                          .proven = client_id,
                          .is_inner = true,
                          .client_id = client_id};
        rig["bridge"].connects(bridge).subscribes("a/+", qos1).loses_connection();
        rig["p"].connects().publishes("a/1", "waits", qos1);
        rig.passes(1s);
        rig.restarts_with(without);
        CHECK(rig.log.count("bridge_session_left") == (is_lane ? 0 : 1));
        CHECK(rig.log.count("bridge_priority_left") == (is_lane ? 1 : 0));
        rig.passes(1s);
        rig.restarts_with(with);
        CHECK(rig.shard->subscriptions_of(client_id).empty());
        CHECK(rig.shard->find_session(client_id)->messages == 1);
        rig["bridge"].connects(bridge).subscribes("a/+", qos1).loses_connection();
        rig.passes(1s);
        rig.restarts_with(with);
        CHECK(rig.shard->subscriptions_of(client_id).size() == 1);
    }
}

TEST_CASE("subscriptions that do not read, or come twice, are left out") {
    ImageRig rig;
    rig.image.sessions = {stored(1, "a")};
    const std::vector<Byte> good = bytes_of(encode(journal::SubscriptionRecord{{qos1}, 0, "a/+"}));
    rig.image.sessions[0].subscriptions = {{1, good}, {2, {1, 2}}, {3, good}};
    rig.starts();
    CHECK(rig.shard->metrics().subscriptions == 1);
    CHECK(rig.log.count("stored_subscription_unusable") == 2);
}

TEST_CASE("an exchange whose packet id does not fit is left out and said, the others are there") {
    ImageRig rig;
    rig.image.sessions = {stored(1, "a")};
    journal::StoredSession& session = rig.image.sessions[0];
    session.inflight = {{1, queued(1, 9, OutState::sent_qos2)},
                        {2, queued(2, 9, OutState::released)},
                        {3, {0, 1}},
                        {4, queued(4, 11, OutState::released)}};
    session.queued = 4;
    session.queued_bytes = 12;
    session.first_queued = QueueRow(1);
    session.last_queued = QueueRow(4);
    rig.starts();
    CHECK(rig.log.count("stored_exchange_unusable") == 1);
    CHECK(rig.shard->metrics().counters.queued_messages == 2);
}

/// What the store does when it has put a row of the session aside.
void mark_incomplete(Rig& rig, std::string_view client_id) {
    const auto image = rig.store->load();
    REQUIRE(image.ok());
    for (const journal::StoredSession& stored : image->sessions) {
        auto record = journal::parse_session({stored.record.data(), stored.record.size()});
        if (!record || record->client_id != client_id) continue;
        record->is_incomplete = true;
        const Blob body = journal::encode(*record);
        journal::Batch batch;
        batch.bodies.assign(body.bytes().begin(), body.bytes().end());
        batch.records = {{journal::RecordKind::session, journal::Change::put, 0,
                          static_cast<std::uint32_t>(body.size()), stored.number, 0}};
        batch.now = rig.now;
        REQUIRE(rig.store->commit(batch).ok());
        return;
    }
    FAIL("there is no such session");
}

TEST_CASE("[MQTT-3.2.2-3] a session that damage has cost a part is not present; what is readable of its queue comes") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("a", qos2);
    rig["p"].connects().publishes("a", "before", qos1);
    rig["s"].takes();
    rig["s"].sends(encoded(wire::Publish{"b", as_bytes("x"), qos2, false, false, 7, {}}, v5)).loses_connection();
    rig["p"].publishes("a", "queued", qos1);
    rig.passes(2s);
    mark_incomplete(rig, "s");
    rig.restarts();

    rig["p"].connects();
    CHECK(rig["p"].publishes("a", "still subscribed", qos1) == "success");  // until its client hears of it
    rig["s"].tries_to_connect(lasting);
    const std::string got = rig["s"].takes();
    CAPTURE(got);
    CHECK(got.starts_with("CONNACK success | "));  // without "present"
    CHECK(got.find("PUBLISH a queued") != std::string::npos);
    CHECK(got.find("PUBLISH a still subscribed") != std::string::npos);
    CHECK(rig.log.count("incomplete_session_renewed") == 1);
    CHECK(rig.metrics().subscriptions == 0);
    CHECK(rig["p"].publishes("a", "to nobody", qos1) == "no_matching_subscribers");
    // A packet id of before is a new message: its client has forgotten that it ever used the id.
    rig["s"].sends(encoded(wire::Publish{"b", as_bytes("y"), qos2, false, false, 7, {}}, v5));
    CHECK(rig["s"].takes().starts_with("PUBREC 7"));

    // And from here on the session is whole, after the next start, too.
    rig["s"].subscribes("a", qos1).loses_connection();
    rig.passes(2s);
    rig.restarts();
    rig["s"].tries_to_connect(lasting);
    CHECK(rig["s"].takes().starts_with("CONNACK success present"));
    CHECK(rig.metrics().subscriptions == 1);
}

TEST_CASE("what an incomplete session is owed of retained messages ends with its subscriptions") {
    Rig rig(stored_options());
    rig["p"].connects();
    for (int i = 0; i < 300; ++i) rig["p"].publishes("r/" + std::to_string(i), "x", qos1, true);
    rig["s"].connects({.clean = false, .expiry = 3600, .receive_maximum = 10}).subscribes("r/#", qos1);
    rig["s"].loses_connection();
    rig.passes(2s);
    mark_incomplete(rig, "s");
    rig.restarts();
    rig["s"].acknowledges().connects({.clean = false, .expiry = 3600, .receive_maximum = 10});
    rig.passes(2s);
    CHECK(rig["s"].is_open());
    CHECK(rig["s"].waiting().size() == 10);  // those that were on their way
    CHECK(rig.metrics().subscriptions == 0);
}

TEST_CASE("a client that starts clean gets nothing of an incomplete session") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig["p"].connects().publishes("a", "queued", qos1);
    rig.passes(2s);
    mark_incomplete(rig, "s");
    rig.restarts();
    rig["s"].tries_to_connect({.clean = true, .expiry = 60});
    CHECK(rig["s"].takes() == "CONNACK success");
    CHECK(rig.counters().queued_messages == 0);
}

TEST_CASE("numbers that contradict each other do no harm") {
    ImageRig rig;
    rig.image.sessions = {stored(1, "a")};
    journal::StoredSession& session = rig.image.sessions[0];
    session.queued = 1;  // fewer than there are in flight
    session.inflight = {{1, queued(1, 1, OutState::sent_qos2)}, {2, queued(2, 2, OutState::sent_qos2)}};
    session.received = {0, 1, 65'535};
    rig.image.retained = {{1, "t", never, 5}, {2, "t", never, 6}};  // two of one topic: the first wins
    rig.starts();
    CHECK(rig.shard->metrics().retained_messages == 1);
    CHECK(rig.shard->metrics().retained_bytes == 5);
    CHECK(rig.shard->metrics().counters.queued_messages == 2);
}

TEST_CASE("the queue of a session that had ended is taken down in slices after the start, and then its record goes") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("a", qos1);
    rig["s"].loses_connection();
    rig["p"].connects();
    for (int i = 0; i < 2500; ++i) REQUIRE(rig["p"].publishes("a", "x", qos1) == "success");
    rig.writes = false;
    rig["s"].tries_to_connect({.clean = true});
    rig.commits();  // the mark that it has ended
    CHECK(rig["s"].takes() == "CONNACK success");
    rig.restarts();
    CHECK(rig.metrics().sessions == 0);
    CHECK(rig.store->rows() > 2500);
    rig.writes = true;
    rig.passes(5s);
    CHECK(rig.store->rows() == 0);
}

// LMDB commits wholly or not at all. A card that lies may still leave anything: what is promised then is a broker that
// starts, delivers what there is and forgets the rest.
TEST_CASE("a commit of which only the first records survive does no harm") {
    bool is_all = false;
    for (std::size_t kept = 0; !is_all; ++kept) {
        Rig rig(stored_options());
        rig["s"].connects(lasting).subscribes("a", qos2);
        rig["t"].connects(lasting).subscribes("a", qos1);
        rig["p"].connects(lasting);
        rig["p"].publishes("a", "before", qos2);
        rig["t"].loses_connection();
        rig.passes(2s);
        rig["s"].recs(1);
        rig.writes = false;
        for (wire::PacketId id = 1; id < 4; ++id)
            rig["p"].sends(encoded(wire::Publish{"a", as_bytes("x"), qos2, true, false, id, {}}, v5));
        rig["s"].comps(1);
        rig["q"].tries_to_connect(lasting);
        rig["t"].tries_to_connect({.clean = true, .expiry = 60});
        const std::uint64_t before = rig.store->records();
        rig.restarts_torn(kept);
        is_all = rig.store->records() < before + kept;
        rig.writes = true;
        for (const char* name : {"s", "t", "p"}) {
            rig[name].acknowledges().tries_to_connect(lasting);
            CHECK(rig[name].takes().starts_with("CONNACK success"));
        }
        CHECK(rig["n"].connects().publishes("a", "after", qos2) == "success");
        rig.passes(5s);
        CHECK(rig["s"].takes().find("PUBLISH a after") != std::string::npos);
        CHECK(rig.counters().queued_messages == 0);
    }
}

/// A store that no start may read.
struct UnreadStore final : journal::StoreReader {
    void queued(SessionNumber, QueueRow, std::size_t, std::size_t, std::vector<journal::StoredDelivery>&) override {
        FAIL("a row was read");
    }
    bool retained(std::uint64_t, std::vector<Byte>&) override {
        FAIL("a message was read");
        return false;
    }
    bool message(MessageNumber number, std::vector<Byte>& out) override { return retained(number.value(), out); }
};

TEST_CASE("a start reads no payload, whatever the queues hold") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("a", qos1);
    rig["s"].loses_connection();
    rig["p"].connects();
    for (int i = 0; i < 300; ++i) rig["p"].publishes("a", std::string(1000, 'x'), qos1);
    rig["p"].publishes("r", std::string(1000, 'x'), qos0, true);
    rig.passes(2s);
    rig.shard.reset();
    const auto image = rig.store->load();
    REQUIRE(image.ok());
    UnreadStore none;
    Shard shard(stored_options(), rig.log.log, 1, *image, none);
    CHECK(shard.metrics().counters.queued_messages == 300);
    CHECK(shard.metrics().retained_messages == 1);
}

}  // namespace
}  // namespace ledge::broker
