// Shares of the store: one owner neither fills it nor keeps the others from writing, and who has written is known.
#include <algorithm>

#include "ledge/broker/options.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/message_owners.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

const Wish as_alice{.proven = "alice"};
const Wish as_bob{.proven = "bob"};

// What the figures say of an owner; 0: nothing.
std::uint64_t figure(const std::vector<session::OwnerFigure>& figures, std::string_view owner) {
    const auto found = std::ranges::find(figures, owner, &session::OwnerFigure::owner);
    return found == figures.end() ? 0 : found->value;
}

// Two users who publish to somebody who is away.
struct PublishingPair {
    explicit PublishingPair(const ShardOptions& options = stored_options()) : rig(options) {
        rig["away"].connects(lasting).subscribes("t/#", qos1).loses_connection();
        rig["a"].connects(as_alice);
        rig["b"].connects(as_bob);
    }
    std::string publishes(const char* who, std::size_t bytes = 1000) {
        const std::string code = rig[who].publishes("t/1", std::string(bytes, 'x'), qos1);
        rig.passes(10ms);  // and a commit
        return code;
    }
    std::uint64_t stored(std::string_view owner) { return figure(rig.metrics().owners_by_stored_bytes, owner); }
    std::uint64_t written(std::string_view owner) { return figure(rig.metrics().owners_by_written_bytes, owner); }

    Rig rig;
};

TEST_CASE("above a certain use of the store an owner has a share: beyond it only that owner is refused") {
    PublishingPair pair;
    Rig& rig = pair.rig;
    rig.store->set_used_fraction(session::Accounts::shares_above_used);
    for (int i = 0; i < 50; ++i) CHECK(pair.publishes("a") == "success");
    CHECK(pair.publishes("b") == "success");
    rig.store->set_used_fraction(0.61);
    CHECK(pair.publishes("b") == "success");  // that commit says it
    CHECK(pair.publishes("a") == "quota_exceeded");
    CHECK(pair.publishes("a") == "quota_exceeded");
    CHECK(rig.log.count("owner_over_share") == 1);  // not a line each
    CHECK(rig.counters().refused_share == 2);
    CHECK(rig["a"].publishes("t/1", "for who is there", qos0).empty());
    CHECK(rig["a"].publishes("nobody", "needs no store", qos1) == "no_matching_subscribers");
    CHECK(rig["a"].publishes("kept", "x", qos1, true) == "quota_exceeded");
    rig["a"].publishes("kept", "x", qos0, true);
    CHECK(rig.metrics().retained_messages == 0);
    for (int i = 0; i < 10; ++i) CHECK(pair.publishes("b") == "success");
    rig["old"].connects({.version = v311, .proven = "alice"});
    CHECK(rig["old"].publishes("t/1", "x", qos1) == "closed");  // 3.x has no PUBACK that says no
}

TEST_CASE("an owner who is alone may fill the store up to where shares begin, and goes on when there is room again") {
    PublishingPair pair;
    Rig& rig = pair.rig;
    for (int i = 0; i < 50; ++i) pair.publishes("a");
    rig.store->set_used_fraction(0.61);
    pair.publishes("a");
    CHECK(pair.publishes("a") == "quota_exceeded");
    rig["away"].acknowledges().connects(lasting);
    rig.commits();  // from now on a crash knows that they may have been sent
    CHECK(rig["away"].waiting().size() == 51);
    rig.passes(2s);
    CHECK(pair.stored("alice") == 0);
    rig.store->set_used_fraction(0.3);
    rig["away"].loses_connection();
    pair.publishes("b");
    CHECK(pair.publishes("a") == "success");
}

TEST_CASE("what a slowed client sends beyond its rate is charged to it too; retained messages of level ram are not") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.messages_per_second = 10;
    options.listeners[0].limits.messages_burst = 2;
    options.durability.overrides.push_back({"ram/#", journal::Durability::ram});
    PublishingPair pair(options);
    std::string burst;
    for (wire::PacketId id = 1; id <= 5; ++id)
        burst += encoded(wire::Publish{"t/1", as_bytes("x"), qos1, false, false, id, {}}, v5);
    pair.rig["a"].sends(burst);
    pair.rig.passes(2s);
    CHECK(pair.stored("alice") == 5 * session::MessageOwners::size_of(session::MessageOwners::code_of(4)));
    pair.rig["b"].publishes("ram/1", std::string(1000, 'x'), qos1, true);
    CHECK(pair.rig.metrics().retained_messages == 1);
    CHECK(pair.stored("bob") == 0);
}

TEST_CASE("what an owner has in the store is counted out again, however it goes") {
    PublishingPair pair;
    Rig& rig = pair.rig;
    rig["second"].connects(lasting).subscribes("t/#", qos1).loses_connection();
    for (int i = 0; i < 300; ++i) pair.publishes("a", 2000);  // more than a window: the rest is in the store only
    CHECK(pair.stored("alice") > 300 * 1950);
    CHECK(pair.stored("alice") < 300 * 2200);
    CHECK(pair.stored("bob") == 0);
    rig["away"].acknowledges().connects(lasting);
    CHECK(pair.stored("alice") > 300 * 1950);  // the second one has not had them
    rig["second"].connects();                  // clean: its session ends
    for (int i = 0; i < 10; ++i) rig.passes(2s);
    CHECK(pair.stored("alice") == 0);
    rig["a"].publishes("kept", std::string(5000, 'x'), qos1, true);
    CHECK(pair.stored("alice") >= 5000);
    rig["b"].publishes("kept", std::string(100, 'x'), qos1, true);  // now it is bob's
    CHECK(pair.stored("alice") == 0);
    CHECK(pair.stored("bob") >= 100);
    rig["a"].publishes("kept", "", qos1, true);
    CHECK(pair.stored("bob") == 0);
}

TEST_CASE("who has written is known, to the byte that was written: what subscribers acknowledge in time is not") {
    PublishingPair pair;
    Rig& rig = pair.rig;
    for (int i = 0; i < 20; ++i) pair.publishes("a");
    pair.publishes("b");
    CHECK(pair.written("alice") > 20 * 1000);
    CHECK(pair.written("bob") > 1000);
    CHECK(pair.written("bob") < 2000);
    CHECK(rig.metrics().owners_by_written_bytes.front().owner == "alice");
    rig["lamp"].acknowledges().connects(lasting).subscribes("healthy", qos1);
    rig.passes(2s);
    const std::uint64_t before = pair.written("alice");
    for (int i = 0; i < 20; ++i) {
        CHECK(rig["a"].publishes("healthy", std::string(1000, 'x'), qos1) == "success");
        rig.passes(10ms);
    }
    CHECK(pair.written("alice") == before);
    CHECK(pair.written("192.0.2.1") > 0);  // sessions and subscriptions of the anonymous ones
}

TEST_CASE("an owner whose records wait for the store by the megabyte does not keep the others from writing") {
    ShardOptions options = stored_options();
    options.durability.journal.bytes_max = 100'000;
    PublishingPair pair(options);
    Rig& rig = pair.rig;
    rig.passes(2s);
    rig.writes = false;
    int taken = 0;
    for (; rig.counters().refused_share == 0; ++taken) rig["a"].publishes("t/1", std::string(1000, 'x'), qos1);
    CHECK(taken > 40);
    CHECK(taken < 60);
    for (int i = 0; i < 20; ++i) rig["b"].publishes("t/1", std::string(1000, 'x'), qos1);
    CHECK(rig.counters().refused_share == 1);
    rig.writes = true;
    rig.settle();
    CHECK(rig["b"].waiting().size() == 20);  // all answered, and with success
    CHECK(std::ranges::count(rig["a"].waiting(), "PUBACK " + std::to_string(taken) + " quota_exceeded") == 1);
    CHECK(rig["a"].publishes("t/1", "again", qos1) == "success");
}

TEST_CASE("what the store held before a start is charged to nobody, and counts for the share all the same") {
    PublishingPair pair;
    Rig& rig = pair.rig;
    for (int i = 0; i < 50; ++i) pair.publishes("a");
    rig["b"].publishes("kept", std::string(5000, 'x'), qos1, true);
    rig.passes(2s);
    rig.restarts();
    rig["a"].connects(as_alice);
    rig["b"].connects(as_bob);
    CHECK(pair.stored("alice") == 0);
    rig.store->set_used_fraction(0.61);
    CHECK(pair.publishes("b", 100) == "success");
    int taken = 0;
    while (taken < 100 && pair.publishes("a") == "success") ++taken;
    CHECK(taken > 10);  // a share of all that is there, the old included
    CHECK(taken < 60);
    rig["b"].publishes("kept", "", qos1, true);
    rig["away"].acknowledges().connects(lasting);
    rig.passes(2s);
    CHECK(pair.stored("alice") == 0);
}

}  // namespace
}  // namespace ledge::broker
