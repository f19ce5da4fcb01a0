// Questions of an operator: what they answer, and that each step does a bounded part of the work.
#include "ledge/broker/inspect.hpp"

#include "ledge/auth/text_file.hpp"
#include "ledge/broker/client_facts.hpp"
#include "ledge/session/ending_log.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

template <class Question>
void finish(Rig& rig, Question& question, std::size_t work_max = inspect_work_max) {
    for (int steps = 0; !rig.shard->inspector().step(question, work_max); ++steps) REQUIRE(steps < 10'000);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
    return out;
}

std::string ids(Rig& rig, ClientsQuestion question, std::string* next = nullptr) {
    finish(rig, question);
    std::vector<std::string> names;
    for (const SessionFacts& facts : question.clients) names.emplace_back(facts.client_id);
    if (next != nullptr) *next = question.next;
    return joined(names);
}

ClientsQuestion filtered(const ClientFilter& filter) {
    ClientsQuestion question;
    question.filter = filter;
    return question;
}

std::string page(Rig& rig, std::string_view after, std::size_t count_max, std::string* next = nullptr) {
    ClientsQuestion question;
    question.after = after;
    question.count_max = count_max;
    return ids(rig, question, next);
}

TEST_CASE("clients are listed in the order of their client ids, a page at a time") {
    Rig rig;
    for (const char* name : {"d", "a", "e", "c", "b"}) rig[name].connects(lasting);
    std::string next;
    CHECK(page(rig, "", 10, &next) == "a b c d e");
    CHECK(next.empty());
    CHECK(page(rig, "", 2, &next) == "a b");
    CHECK(next == "b");
    CHECK(page(rig, "b", 2) == "c d");
    CHECK(page(rig, "bb", 2) == "c d");
    CHECK(page(rig, "c", 2, &next) == "d e");
    CHECK(next.empty());
    CHECK(page(rig, "e", 2).empty());
}

TEST_CASE("clients are filtered by parts of id, user, address and listener, and by state") {
    ShardOptions options = plain_options();
    options.listeners[0].name = "plant";
    options.listeners.push_back(options.listeners[0]);
    options.listeners[1].name = "office";
    Rig rig(options);
    Wish alice = lasting;
    alice.proven = "alice";
    alice.address = "192.0.2.7:1";
    rig["meter-1"].connects(alice);
    Wish other = lasting;
    other.listener = 1;
    rig["meter-2"].connects(other);
    rig["lamp"].connects(lasting).loses_connection();
    CHECK(ids(rig, filtered({.client_id = "meter"})) == "meter-1 meter-2");
    CHECK(ids(rig, filtered({.user = "lic"})) == "meter-1");
    CHECK(ids(rig, filtered({.address = "2.7"})) == "meter-1");
    CHECK(ids(rig, filtered({.listener = "office"})) == "meter-2");
    CHECK(ids(rig, filtered({.is_connected = false})) == "lamp");
    CHECK(ids(rig, filtered({.client_id = "meter", .is_connected = true})) == "meter-1 meter-2");
    CHECK(ids(rig, filtered({.client_id = "\"><script>"})).empty());
}

TEST_CASE("the clients with the longest queues come first when the operator asks for them") {
    Rig rig(stored_options());
    for (const char* name : {"a", "b", "c"}) rig[name].connects(lasting).subscribes(name, qos1).loses_connection();
    rig["p"].connects();
    for (const char* topic : {"b", "b", "b", "c"}) rig["p"].publishes(topic, "1", qos1);
    ClientsQuestion question;
    question.order = ClientOrder::queue;
    question.count_max = 2;
    std::string next;
    CHECK(ids(rig, question, &next) == "b c");
    CHECK(next.empty());
}

TEST_CASE("a client tells whose it is, what it holds, how long it stays, and what its messages wait for") {
    Rig rig(stored_options());
    Wish wish = lasting;
    wish.proven = "alice";
    wish.keep_alive = 60;
    wish.receive_maximum = 1;
    wish.will = wire::Will{"gone", as_bytes("x"), qos1, true, {}};
    rig["c"].connects(wish).subscribes("t", qos1).subscribes("u", qos1);
    rig["p"].connects();
    for (const char* text : {"1", "2", "3"}) rig["p"].publishes("t", text, qos1);
    rig.passes(30s);
    const ClientFacts online = rig.shard->inspector().client("c").value();
    CHECK(online.client_id == "c");
    CHECK(online.owner == "alice");
    CHECK(online.address == "192.0.2.1:1");
    CHECK(online.version == v5);
    CHECK(online.is_connected);
    CHECK(online.since >= 29s);
    CHECK(online.subscriptions == 2);
    CHECK(online.inflight == 1);
    CHECK(online.waiting() == 2);
    REQUIRE(online.queue_age.has_value());
    CHECK(*online.queue_age >= 29s);
    CHECK(online.waits_for == Waiting::receive_maximum);
    CHECK(online.keep_alive_s == 60);
    CHECK(online.receive_maximum == 1);
    CHECK(online.session_expiry_s == 3600);
    CHECK(online.traffic.publish_sent == 1);
    CHECK(online.traffic.bytes_received > 0);
    CHECK(online.traffic.bytes_sent > 0);
    REQUIRE(online.will.has_value());
    CHECK(online.will->topic == "gone");
    REQUIRE(online.inflight_out.size() == 1);
    CHECK(online.inflight_out[0].packet_id == 1);
    CHECK(online.last_disconnect == nullptr);
    CHECK_FALSE(online.expires_in.has_value());
    rig["c"].loses_connection();
    rig.passes(600s);
    const ClientFacts offline = rig.shard->inspector().client("c").value();
    CHECK_FALSE(offline.is_connected);
    CHECK(offline.since >= 599s);
    CHECK(offline.waits_for == Waiting::client);
    CHECK(*offline.expires_in <= 3000s);
    REQUIRE(offline.last_disconnect != nullptr);
    CHECK(offline.last_disconnect->reason == "connection lost");
    CHECK_FALSE(rig.shard->inspector().client("nobody").has_value());
}

TEST_CASE("messages that a client has lost are counted by reason") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.queue_stored_messages_max = 3;
    options.listeners[0].limits.overflow = session::OverflowPolicy::drop_oldest;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects();
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t", "1", qos1);
    const ClientFacts facts = rig.shard->inspector().client("c").value();
    CHECK(facts.losses.queue_full == 2);
    CHECK(facts.dropped == 2);
}

TEST_CASE("the queue of a session tells what has come, what waits, and what is lost by which reason") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.queue_stored_messages_max = 3;
    options.listeners[0].limits.overflow = session::OverflowPolicy::drop_oldest;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("t", qos1);
    CHECK_FALSE(rig.shard->find_queue("nobody").has_value());
    rig["p"].connects();
    rig["p"].publishes("t", "1", qos1);
    rig.settle();
    QueueFacts facts = rig.shard->find_queue("c").value();
    CHECK(facts.messages == 1);  // under way
    CHECK(facts.waiting_messages == 0);
    CHECK(facts.bytes == 2);
    CHECK(facts.last_row.value() == 1);
    CHECK(facts.oldest_row.value() == 1);
    rig["c"].loses_connection();
    for (const char* text : {"22", "33", "44", "55"}) rig["p"].publishes("t", text, qos1);
    rig.settle();
    facts = rig.shard->find_queue("c").value();
    CHECK(facts.messages == 4);
    CHECK(facts.waiting_messages == 3);
    CHECK(facts.waiting_bytes == 9);
    CHECK(facts.bytes == 11);
    CHECK(facts.last_row.value() == 5);
    CHECK(facts.oldest_row.value() == 1);
    CHECK(facts.arrived_bytes == 2 + 4 * 3);
    CHECK(facts.losses.queue_full == 1);
    CHECK(facts.losses.removed_messages == 1);
    CHECK(facts.losses.removed_bytes == 3);
}

TEST_CASE("the subscriptions of a client are listed in the order of their filters") {
    Rig rig;
    rig["c"].connects();
    rig["c"].subscribes("b/#", {.qos = qos1, .no_local = true}, 7).subscribes("a", qos2).subscribes("$share/g/x", qos1);
    SubscriptionsQuestion question;
    question.client_id = "c";
    question.count_max = 2;
    finish(rig, question, 1);
    REQUIRE(question.subscriptions.size() == 2);
    CHECK(question.subscriptions[0].filter == "$share/g/x");
    CHECK(question.subscriptions[1].filter == "a");
    SubscriptionsQuestion second;
    second.client_id = "c";
    second.after = question.next;
    finish(rig, second);
    REQUIRE(second.subscriptions.size() == 1);
    CHECK(second.subscriptions[0].filter == "b/#");
    CHECK(second.subscriptions[0].id == 7);
    CHECK(second.subscriptions[0].no_local);
    CHECK(second.next.empty());
    SubscriptionsQuestion unknown;
    unknown.client_id = "nobody";
    finish(rig, unknown);
    CHECK(unknown.is_unknown);
}

std::string told_receivers(Rig& rig, ReceiversQuestion question) {
    finish(rig, question, 1);
    std::vector<std::string> parts;
    for (const TopicReceiver& one : question.receivers)
        parts.push_back(one.client_id + ":" + one.filter + (one.share.empty() ? "" : "@" + one.share) +
                        (one.why_not.empty() ? "" : "!" + one.why_not.substr(0, one.why_not.find(' '))));
    return joined(parts);
}

ReceiversQuestion about(std::string_view topic) {
    ReceiversQuestion question;
    question.topic = topic;
    return question;
}

TEST_CASE("who gets a message: each subscription that matches, and why a client would not get it") {
    Rig rig;
    rig["all"].connects(lasting).subscribes("#", qos1).subscribes("a/b", qos0).loses_connection();
    rig["own"].connects().subscribes("a/+", {.qos = qos1, .no_local = true});
    Wish small;
    small.packet_size_max = 20;
    rig["small"].connects(small).subscribes("a/b", qos1);
    rig["one"].connects().subscribes("$share/g/a/#", qos1);
    rig["two"].connects().subscribes("$share/g/a/#", qos1);
    rig["other"].connects().subscribes("b", qos1);
    CHECK(told_receivers(rig, about("a/b")) == "all:# all:a/b!QoS one:a/#@g own:a/+ small:a/b two:a/#@g");
    ReceiversQuestion question = about("a/b");
    question.publisher = "own";
    question.payload_bytes = 100;
    CHECK(told_receivers(rig, question) == "all:# all:a/b!QoS one:a/#@g own:a/+!no_local: small:a/b!the two:a/#@g");
    CHECK(told_receivers(rig, about("c")) == "all:#");
    // Pages end and begin anywhere, also within the subscriptions of one client.
    ReceiversQuestion first = about("a/b");
    first.count_max = 1;
    finish(rig, first);
    ReceiversQuestion second = about("a/b");
    second.after = first.next;
    CHECK(told_receivers(rig, second) == "all:a/b!QoS one:a/#@g own:a/+ small:a/b two:a/#@g");
}

TEST_CASE("who gets a message: nobody whose rules deny the topic, and the answer names the rule") {
    Rig rig;
    auth::Policy policy;
    auto acl = auth::Acl::parse("topic read open/#\n", "acl.conf");
    REQUIRE(acl.ok());
    policy.acl = std::move(*acl);
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
    rig["c"].connects().subscribes("+/x", qos1);
    ReceiversQuestion question = about("secret/x");
    finish(rig, question);
    REQUIRE(question.receivers.size() == 1);
    CHECK(question.receivers[0].why_not == "not allowed: acl.conf (no rule)");
    CHECK(told_receivers(rig, about("open/x")) == "c:+/x");
}

TEST_CASE("retained messages are listed by filter, with the beginning of their payload") {
    Rig rig;
    rig["p"].connects();
    for (const char* topic : {"b/2", "a/1", "b/1", "c"}) rig["p"].publishes(topic, "value", qos1, true);
    rig["p"].publishes("b/3", std::string(1000, 'x'), qos1, true);
    RetainedQuestion question;
    question.filter = "b/+";
    question.count_max = 2;
    finish(rig, question);
    REQUIRE(question.messages.size() == 2);
    CHECK(question.messages[0].topic == "b/2");
    CHECK(question.messages[0].payload == "value");
    CHECK(question.messages[1].topic == "b/1");
    RetainedQuestion second;
    second.filter = "b/+";
    second.after = question.next;
    finish(rig, second);
    REQUIRE(second.messages.size() == 1);
    CHECK(second.messages[0].payload.size() == RetainedFacts::payload_shown_max);
    CHECK(second.messages[0].payload_bytes == 1000);
    CHECK(second.next.empty());
    CHECK(rig.shard->inspector().retained("c").view().topic == "c");
    CHECK_FALSE(rig.shard->inspector().retained("d"));
}

std::string children(Rig& rig, std::string_view below, std::string_view after = "", std::size_t count_max = 100) {
    RetainedTreeQuestion question;
    question.below = below;
    question.after = after;
    question.count_max = count_max;
    finish(rig, question, 1);
    std::vector<std::string> parts;
    for (const RetainedChild& child : question.children)
        parts.push_back(child.topic + (child.has_message ? "=" : ":") + std::to_string(child.descendants));
    return joined(parts) + (question.next.empty() ? "" : " ...");
}

TEST_CASE("the tree of retained topics is read one level at a time, with the number of messages below") {
    Rig rig;
    rig["p"].connects();
    for (const char* topic : {"b/2", "a", "a/x/1", "a/x/2", "a/y", "b//z", "/r"})
        rig["p"].publishes(topic, "1", qos1, true);
    CHECK(children(rig, "") == ":1 a=3 b:2");
    CHECK(children(rig, "a") == "a/x:2 a/y=0");
    CHECK(children(rig, "b") == "b/:1 b/2=0");
    CHECK(children(rig, "b/") == "b//z=0");
    CHECK(children(rig, "nothing").empty());
    CHECK(children(rig, "", "", 2) == ":1 a=3 ...");
    CHECK(children(rig, "", "/a", 2) == "b:2");
}

TEST_CASE("share groups are listed with their members") {
    Rig rig(stored_options());
    rig["a"].connects(lasting).subscribes("$share/g/x", qos1).loses_connection();
    rig["b"].connects(lasting).subscribes("$share/g/x", qos1).subscribes("$share/h/y", qos1);
    rig["b"].loses_connection();
    rig["p"].connects().publishes("x", "1", qos1);
    SharesQuestion question;
    question.count_max = 1;
    finish(rig, question);
    REQUIRE(question.shares.size() == 1);
    CHECK(question.strategy == "round_robin");
    CHECK(question.shares[0].share == "g");
    CHECK(question.shares[0].filter == "x");
    REQUIRE(question.shares[0].members.size() == 2);
    CHECK_FALSE(question.shares[0].members[0].is_connected);
    CHECK(question.shares[0].messages_waiting == 1);
    SharesQuestion second;
    second.after = question.next;
    finish(rig, second);
    REQUIRE(second.shares.size() == 1);
    CHECK(second.shares[0].share == "h");
    CHECK(second.next.empty());
}

TEST_CASE("the last refusals and disconnects say who, from where, why, and by which rule") {
    Rig rig;
    rig["c"].connects();
    rig["c"].disconnects();
    Wish bad;
    bad.client_id = "$bridge/x";
    rig["bad"].tries_to_connect(bad);
    const auto list = rig.shard->inspector().refusals();
    REQUIRE(list.size() == 2);
    CHECK(list[0]->kind == session::EndedConnection::Kind::disconnected);
    CHECK(list[0]->client_id == "c");
    CHECK(list[0]->reason == "success");
    CHECK(list[1]->kind == session::EndedConnection::Kind::refused);
    CHECK(list[1]->number == 2);
    CHECK(list[1]->client_id == "$bridge/x");
    CHECK(list[1]->address == "192.0.2.1:1");
    CHECK(list[1]->code == ReasonCode::client_identifier_not_valid);
}

}  // namespace
}  // namespace ledge::broker
