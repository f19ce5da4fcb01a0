// The disk of the store is full: commits are postponed, tried again and succeed in the end. Who is told what meanwhile.
#include "level_rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("while a commit is postponed durable publications are refused, and what waits is acknowledged afterwards") {
    LevelRig rig(Durability::durable);
    rig["w"].connects().subscribes("b", qos0);
    CHECK(rig.publishes("a", qos1).empty());
    rig.postpones();
    rig["q"].connects();
    CHECK(rig["q"].publishes("a", "x", qos1) == "quota_exceeded");
    CHECK(rig["q"].publishes("b", "x", qos0) == "");
    CHECK(rig["w"].takes() == "PUBLISH b x");
    rig.heals();
    CHECK(rig["p"].takes() == "PUBACK 1");
    CHECK(rig["q"].publishes("a", "x", qos1) == "closed");  // nothing comes before the commit
    rig.commits();
    CHECK(rig["q"].takes() == "PUBACK 2");
    CHECK(rig.survivors() == 2);
}

TEST_CASE("while a commit is postponed a client resumes its durable session, with a will too") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    rig["c"].tries_to_connect(
        {.clean = false, .expiry = 600, .will = wire::Will{"will", as_bytes("gone"), qos0, false, {}}});
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig["c"].loses_connection();
    rig["brief"].tries_to_connect({});
    CHECK(rig["brief"].takes() == "CONNACK success");
    rig.heals();
    CHECK(rig.metrics().sessions == 3);
}

TEST_CASE("while a commit is postponed a brief client that starts clean gets in, a new session that lasts waits") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig["l"].connects(lasting).loses_connection();
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    rig["c"].tries_to_connect({});
    CHECK(rig["c"].takes() == "CONNACK success");
    rig["l"].tries_to_connect({.clean = true, .expiry = 600});
    CHECK(rig["l"].takes().empty());  // after a crash the old session could pass for it
    rig.heals();
    rig.commits();
    CHECK(rig["l"].takes() == "CONNACK success");
}

TEST_CASE("while a commit is postponed QoS 2 at level ram is refused where a stored session would get it") {
    LevelRig rig(Durability::ram);
    rig["q"].connects();
    rig["d"].tries_to_connect(lasting);
    rig.postpones();
    CHECK(rig["q"].publishes("a", "x", qos2) == "quota_exceeded");
    CHECK(rig["q"].publishes("a", "x", qos1) == "success");
    CHECK(rig["q"].publishes("kept", "x", qos1, true) == "success");
    rig["w"].connects().subscribes("only/w", qos2);
    CHECK(rig["q"].publishes("nobody/stored", "x", qos2) == "quota_exceeded");  // s subscribes to all
}

TEST_CASE("while a commit is postponed a stored session gets no new subscription, but its client is told") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1);
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    std::vector<Byte> entry;
    wire::append_entry(entry, {"b", {qos1}}, true);
    rig["c"].sends(encoded(wire::Subscribe{7, {entry, true}, {}}, v5));
    CHECK(rig.metrics().subscriptions == 1);
    rig.heals();
    CHECK(rig["c"].takes() == "SUBACK 7 151");
}

TEST_CASE("while a commit is postponed publications of QoS 2 are refused at once and leave nothing in the journal") {
    LevelRig rig(Durability::durable);
    rig.publishes("a", qos1);
    rig.postpones();
    const std::uint64_t cancelled = rig.metrics().records_cancelled;
    for (int i = 0; i < 50; ++i) CHECK(rig.publishes("a", qos2).ends_with(" quota_exceeded"));
    rig.heals();
    CHECK(rig["p"].takes() == "PUBACK 1");
    CHECK(rig.metrics().records_cancelled == cancelled);
    CHECK(rig.shard->commit_deadline() == never);
}

TEST_CASE("a journal that is full while a commit is postponed lets durable sessions and brief clients in, no others") {
    ShardOptions options = stored_options();
    options.durability.journal.bytes_max = 600;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    std::string answer;
    int sessions = 0;
    for (; sessions < 100 && answer != "CONNACK quota_exceeded"; ++sessions) {
        Client& client = rig["new" + std::to_string(sessions)];
        client.tries_to_connect(lasting);
        answer = client.takes();
    }
    CHECK(sessions < 20);
    CHECK(rig["brief"].connects().is_open());
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig.heals();
    rig["late"].tries_to_connect(lasting);
    CHECK(rig["late"].takes() == "CONNACK success");
}

}  // namespace
}  // namespace ledge::broker
