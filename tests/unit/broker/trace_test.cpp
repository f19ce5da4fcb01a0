// Traces: what an operator sees of the life of a message, stage by stage.
#include <algorithm>

#include "allocations.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "ledge/session/limits.hpp"
#include "level_rig.hpp"
#include "rules_rig.hpp"
#include "trace_rig.hpp"

namespace ledge::broker {
namespace {

using session::Counters;
using session::TraceEnd;
using session::Tracer;

void use_rules(Rig& rig, std::string_view rules) {
    auto acl = auth::Acl::parse(rules, "acl");
    REQUIRE(acl.ok());
    auth::Policy policy;
    policy.acl = std::move(*acl);
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
}

TEST_CASE("QoS 0: received, matched, sent, with one number") {
    Rig rig;
    rig["s"].connects().subscribes("t/+", qos0);
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t/a", "on");
    CHECK(trace.tells() == "received p t/a m1 q0 | matched s t/a m1 q0 | sent s t/a m1 q0");
}

TEST_CASE("QoS 1 to a connected client: with packet ids, and both acknowledgements") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos1);
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on", qos1);
    rig["s"].acks(1);
    CHECK(trace.explains() ==
          "received p t m1 q1#1 | matched s t m1 q1 (published by p) | sent s t m1 q1#1 | "
          "acknowledged p t m1 q0#1 (puback to the publisher) | acknowledged s t m1 q1#1 (puback of the subscriber)");
}

TEST_CASE("QoS 2: the exchange to its end, although the broker has only the packet id in the end") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos2).acknowledges();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on", qos2);
    const std::string told = trace.tells();
    CAPTURE(told);
    CHECK(told.starts_with("received p t m1 q2#1 | matched s t m1 q2 | "));
    CHECK(told.find("sent s t m1 q2#1") != std::string::npos);
    CHECK(told.find("acknowledged s t m1 q2#1") != std::string::npos);
    CHECK(told.find("acknowledged p t m1 q0#1") != std::string::npos);
}

TEST_CASE("a stored message keeps its number: for the client that is away, in its queue later, and after a restart") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on", qos1);
    CHECK(
        trace.explains() ==
        "received p t m1 q1#1 | matched s t m1 q1 (published by p) | queued s t m1 q1 (the client is not connected) | "
        "stored s t m1 q1 | acknowledged p t m1 q0#1 (puback to the publisher)");
    rig.passes(10s);
    rig["s"].connects(lasting);
    rig.passes(1s);
    CHECK(trace.tells() == "sent s t m1 q1#1");
    rig.restarts();
    trace.begins_anew(all_topics());
    rig["s"].connects(lasting);
    rig.passes(1s);
    CHECK(trace.explains() == "sent s t m1 q1#1 (DUP)");
    rig["s"].acks(1);
    CHECK(trace.tells() == "acknowledged s t m1 q1#1");
}

TEST_CASE("a message that is acknowledged before its commit is never told as stored") {
    LevelRig rig(Durability::durable);
    rig.writes = true;
    rig["s"].connects(lasting);
    rig.passes(2s);
    rig.writes = false;
    Traced trace(rig, all_topics());
    rig.publishes("t", qos1);
    rig["s"].acks(1);
    rig.commits();
    CHECK(trace.tells() ==
          "received p t m1 q1#1 | matched s t m1 q1 | sent s t m1 q1#1 | acknowledged s t m1 q1#1 | "
          "acknowledged p t m1 q0#1");
}

TEST_CASE("retained: kept, made durable, and sent to a later subscriber") {
    Rig rig(stored_options());
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on", qos1, true);
    rig.passes(2s);
    CHECK(trace.tells() == "received p t m1 q1#1 | retained p t m1 q1 | stored  t m1 q1 | acknowledged p t m1 q0#1");
    rig["s"].connects().subscribes("#", qos1);
    CHECK(trace.explains() ==
          "queued s t m1 q1 (a retained message for the subscription to #) | sent s t m1 q1#1 (RETAIN)");
}

TEST_CASE("a trace of a client tells its sessions, and every stage of what it publishes") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos0);
    Traced trace(rig, of_client("p"));
    rig["p"].connects();
    CHECK(trace.explains() == "connected p q0 (new session)");
    rig["p"].subscribes("x", qos1);
    rig["p"].unsubscribes("x");
    CHECK(trace.tells() == "subscribed p x q1 | unsubscribed p x q0");
    rig["p"].publishes("t", "on");
    rig["s"].publishes("t", "of another");
    CHECK(trace.tells() == "received p t m1 q0 | matched s t m1 q0 | sent s t m1 q0");
    rig["p"].disconnects();
    CHECK(trace.explains() == "disconnected p q0 (success)");
    rig["p"].connects().loses_connection();
    CHECK(trace.explains() == "connected p q0 (new session) | disconnected p q0 (connection lost)");
}

TEST_CASE("a trace of a subscriber tells only its own part, and from whom the message comes") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos0);
    rig["other"].connects().subscribes("t", qos0);
    rig["p"].connects();
    Traced trace(rig, of_client("s"));
    rig["p"].publishes("t", "on");
    CHECK(trace.explains() == "matched s t m1 q0 (published by p) | sent s t m1 q0");
}

TEST_CASE("with a client and a filter both must match") {
    Rig rig;
    rig["s"].connects().subscribes("#", qos0);
    rig["p"].connects();
    Traced trace(rig, {.client_id = "s", .filter = "a/+", .lasts = 600s});
    rig["p"].publishes("a/1", "on");
    rig["p"].publishes("b/1", "on");
    CHECK(trace.tells() == "matched s a/1 m1 q0 | sent s a/1 m1 q0");
}

TEST_CASE("refused: with the rule against the publisher") {
    Rig rig;
    use_rules(rig, "topic read secret/#\n");
    rig["p"].connects();
    Traced trace(rig, all_topics());
    CHECK(rig["p"].publishes("secret/a", "on", qos1) == "not_authorized");
    CHECK(trace.explains().starts_with("refused p secret/a q1#1 ("));
}

TEST_CASE("a subscriber whose rules deny the topic is told as refused, although a wildcard has let it subscribe") {
    Rig rig;
    use_rules(rig, "topic write #\ntopic read open/#\ntopic deny open/b\nuser w\ntopic readwrite #\n");
    rig["s"].connects().subscribes("open/+", qos1);
    Wish writer;
    writer.proven = "w";
    rig["p"].connects(writer);
    Traced trace(rig, all_topics());
    rig["p"].publishes("open/b", "on", qos1);
    const std::string told = trace.explains();
    CAPTURE(told);
    CHECK(told.find("refused s open/b m1 q1 (") != std::string::npos);
    CHECK(told.find("matched") == std::string::npos);
}

TEST_CASE("refused by a full queue: the limit is named") {
    session::SessionLimits limits;
    limits.queue_messages_max = 1;
    limits.overflow = session::OverflowPolicy::refuse;
    Rig rig(limits);
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    rig["p"].publishes("t", "1", qos1);
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "2", qos1);
    CHECK(trace.explains() == "refused p t q1#2 (the queue of a subscriber is full (limits.overflow = refuse))");
}

TEST_CASE("QoS 0 for a client that is away, and the own message of a No Local subscriber: not dropped without a word") {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t", qos0).loses_connection();
    wire::SubscribeOptions no_local{qos0};
    no_local.no_local = true;
    rig["p"].connects().subscribes("t", no_local);
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on");
    CHECK(trace.explains() ==
          "received p t m1 q0 | matched s t m1 q0 (published by p) | "
          "dropped p t m1 q0 (No Local: the client has published the message itself) | "
          "dropped s t m1 q0 (QoS 0, and the client is not connected (limits.queue_qos0_offline = false))");
}

TEST_CASE("the will of a client, and what the broker publishes itself") {
    Rig rig;
    Wish wish;
    wish.will = wire::Will{"gone", as_bytes("x"), qos0, false, {}};
    rig["p"].connects(wish);
    Traced trace(rig, {.client_id = "", .filter = "gone", .lasts = 600s});
    rig["p"].loses_connection();
    CHECK(trace.explains() == "received p gone m1 q0 (the will of the client)");
}

// ---------------------------------------------------------------------------------------------------------------------
// Bounds

TEST_CASE("a trace ends by its count of events, by its time, and by its reader; then stages cost nothing again") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos0);
    rig["p"].connects();
    Traced counted(rig, all_topics(4));
    CHECK(rig.counters().traces == 1);
    for (int i = 0; i < 3; ++i) rig["p"].publishes("t", "on");
    CHECK(rig.counters().traces == 0);
    session::TraceReport report = counted.reads(3);
    CHECK(report.events.size() == 3);
    CHECK_FALSE(report.end.has_value());  // an event is left
    report = counted.reads();
    CHECK(report.events.size() == 1);
    CHECK(report.end == TraceEnd::count);

    Traced timed(rig, all_topics(1000, 10s));
    rig.passes(9s);
    CHECK_FALSE(timed.reads().end.has_value());
    rig.passes(1s);
    rig["p"].publishes("t", "too late");
    report = timed.reads();
    CHECK(report.events.empty());
    CHECK(report.end == TraceEnd::time);

    Traced left(rig, all_topics());
    CHECK(rig.counters().traces == 1);
    rig.shard->tracer().end(left.number());
    CHECK(rig.counters().traces == 0);
    session::TraceReport nothing;
    CHECK_FALSE(rig.shard->tracer().read(left.number(), rig.now, 1, nothing));
}

TEST_CASE("four traces at once, each with its own question; a fifth has to wait for an end") {
    Rig rig;
    rig["p"].connects();
    std::vector<session::TraceNumber> numbers;
    for (std::size_t i = 0; i < Tracer::traces_max; ++i)
        numbers.push_back(*rig.shard->tracer().begin(all_topics(), rig.now));
    CHECK_FALSE(rig.shard->tracer().begin(all_topics(), rig.now).has_value());
    rig["p"].publishes("t", "on");
    for (const session::TraceNumber number : numbers) {
        session::TraceReport report;
        REQUIRE(rig.shard->tracer().read(number, rig.now, 10, report));
        CHECK(report.events.size() == 1);
    }
    rig.shard->tracer().end(numbers[0]);
    CHECK(rig.shard->tracer().begin(all_topics(), rig.now).has_value());
}

TEST_CASE("a reader that does not read loses events, with a count, and no memory grows") {
    Rig rig;
    rig["p"].connects();
    Traced trace(rig, all_topics(100'000));
    for (std::size_t i = 0; i < 2 * Tracer::waiting_events_max; ++i) rig["p"].publishes("t", "on");
    session::TraceReport report = trace.reads();
    CHECK(report.events.size() == Tracer::waiting_events_max);
    CHECK(report.lost == Tracer::waiting_events_max);
    CHECK(trace.reads().lost == 0);

    const std::string long_topic(60'000, 'x');
    for (int i = 0; i < 1000; ++i) rig["p"].publishes(long_topic, "on");
    report = trace.reads();
    CHECK(report.lost > 0);
    CHECK(report.events.size() + report.lost == 1000);
    std::size_t bytes = 0;
    for (const session::TraceEvent& event : report.events) {
        CHECK(event.topic.size() <= Tracer::text_bytes_max + 3);
        bytes += event.topic.size();
    }
    CHECK(bytes <= Tracer::waiting_bytes_max);
}

TEST_CASE("a shared frame is not used while a trace runs, so each of many receivers is told") {
    Rig rig;
    for (int i = 0; i < 5; ++i) rig["s" + std::to_string(i)].connects().subscribes("t", qos0);
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "on");
    const std::string told = trace.tells();
    for (int i = 0; i < 5; ++i) {
        CHECK(told.find("sent s" + std::to_string(i) + " t m1 q0") != std::string::npos);
        CHECK(rig["s" + std::to_string(i)].takes() == "PUBLISH t on");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Every way to lose a message. The list of counters decides how many cases there are.

struct Loss {
    std::uint64_t Counters::*counter;
    void (*happens)();
};

// Exactly what was counted is told, as one event for each message.
void expect(Rig& rig, Traced& trace, std::uint64_t Counters::*counter, std::string_view stage, std::uint64_t before) {
    const std::string told = trace.explains();
    CAPTURE(told);
    std::size_t events = 0;
    for (std::size_t at = told.find(stage); at != std::string::npos; at = told.find(stage, at + 1)) ++events;
    CHECK(rig.counters().*counter - before > 0);
    CHECK(events == rig.counters().*counter - before);
}

void loses_to_slow_reader() {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 1000;
    Rig rig(limits);
    rig["s"].connects().subscribes("t", qos0).stops_reading();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t", std::string(600, 'x'));
    expect(rig, trace, &Counters::dropped_slow_reader, "dropped s t", 0);
}

void loses_to_memory() {
    Rig rig(with_budget(16 * mib));
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "before", qos1);
    rig.shard->note_anonymous_memory(15 * mib);
    rig["p"].publishes("t", "meanwhile", qos1);
    expect(rig, trace, &Counters::dropped_memory, "dropped s t", 0);
}

void loses_to_full_queue() {
    for (const auto policy : {session::OverflowPolicy::drop_newest, session::OverflowPolicy::drop_oldest}) {
        session::SessionLimits limits;
        limits.queue_messages_max = 2;
        limits.overflow = policy;
        Rig rig(limits);
        rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
        rig["p"].connects();
        Traced trace(rig, all_topics());
        for (int i = 0; i < 5; ++i) rig["p"].publishes("t", "x", qos1);
        expect(rig, trace, &Counters::dropped_queue_full, "dropped s t m", 0);
    }
}

void loses_to_size() {
    Rig rig;
    rig["s"].connects({.packet_size_max = 100}).subscribes("t", qos1);
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", std::string(200, 'x'), qos1);
    rig["p"].publishes("t", std::string(200, 'x'), qos0);
    expect(rig, trace, &Counters::dropped_too_large, "dropped s t m", 0);
}

void loses_to_expiry() {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 5);
    rig["p"].publishes("t", "x", qos1, false, expiry);
    rig.passes(10s);
    rig["s"].connects(lasting);
    expect(rig, trace, &Counters::dropped_expired, "expired s t m", 0);
}

void loses_to_newer_value() {
    session::QueueRules rules;
    rules.last_value = {"t"};
    RulesRig rig(rules);
    Traced trace(rig, all_topics());
    for (int i = 0; i < 3; ++i) rig.publishes("t", std::to_string(i));
    expect(rig, trace, &Counters::dropped_replaced, "dropped $bridge/cloud t m", 0);
}

void loses_to_rules() {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t/#", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t/x", "1", qos1);
    use_rules(rig, "topic read t/y\ntopic write #\n");
    rig["s"].connects(lasting);
    expect(rig, trace, &Counters::dropped_not_allowed, "dropped s t/x m", 0);
}

void loses_to_end_of_session() {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "1", qos1);
    rig["p"].publishes("t", "2", qos1);
    rig.shard->remove_session("s", rig.now);
    expect(rig, trace, &Counters::dropped_session_ended, "dropped s t m", 0);
}

void loses_to_failed_store() {
    LevelRig rig(Durability::ram);
    rig["q"].connects().subscribes("t", qos2);
    Traced trace(rig, all_topics());
    rig.publishes("t", qos2);
    rig.store->fail_from(1, {storage::Fault::io, "test"});
    rig.commits();
    rig.passes(1s);
    expect(rig, trace, &Counters::dropped_unreadable, "dropped q t m", 0);
}

void loses_to_operator() {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    Traced trace(rig, all_topics());
    rig["p"].publishes("t", "1", qos1);
    QueueClearing clearing;
    clearing.client_id = "s";
    CHECK(rig.shard->clear_queue(clearing, rig.now));
    expect(rig, trace, &Counters::dropped_cleared, "dropped s t m", 0);
}

constexpr Loss losses[] = {{&Counters::dropped_cleared, loses_to_operator},
                           {&Counters::dropped_slow_reader, loses_to_slow_reader},
                           {&Counters::dropped_memory, loses_to_memory},
                           {&Counters::dropped_queue_full, loses_to_full_queue},
                           {&Counters::dropped_too_large, loses_to_size},
                           {&Counters::dropped_expired, loses_to_expiry},
                           {&Counters::dropped_replaced, loses_to_newer_value},
                           {&Counters::dropped_not_allowed, loses_to_rules},
                           {&Counters::dropped_session_ended, loses_to_end_of_session},
                           {&Counters::dropped_unreadable, loses_to_failed_store}};

TEST_CASE("a trace remembers long topics only as long as it shows them; their events are complete") {
    Rig rig(stored_options());
    rig["s"].connects(lasting).subscribes("#", qos1).loses_connection();
    rig["p"].connects();
    const std::string topic(20'000, 't');
    Traced trace(rig, all_topics());
    for (int i = 0; i < 100; ++i) {
        rig["p"].publishes(topic + std::to_string(i), "x", qos1);
        trace.reads();
    }
    const std::size_t with_trace = live_bytes();
    rig.shard->tracer().end(trace.number());
    CHECK(with_trace - live_bytes() < 400'000);
    trace.begins_anew(all_topics());
    rig["p"].publishes(topic, "x", qos1);
    rig.passes(2s);
    CHECK(trace.tells().find(" | stored s ttt") != std::string::npos);
}

TEST_CASE("every counter of dropped messages has its event, one for each message") {
    for (std::uint64_t Counters::*const counter : session::drop_counters) {
        const auto* loss = std::ranges::find(losses, counter, &Loss::counter);
        REQUIRE(loss != std::end(losses));  // a new counter needs a case here
        CAPTURE(loss - std::begin(losses));
        loss->happens();
    }
}

}  // namespace
}  // namespace ledge::broker
