// What SUBSCRIBE and UNSUBSCRIBE cost, in steps, whatever a client puts into one packet.
#include "subscribing.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

/// 1,000 filters, and then one of them until the packet has its size: 1 MiB.
std::vector<Byte> repeated_entries(std::string_view one, bool with_options) {
    std::vector<Byte> entries;
    for (int i = 0; i < 1000; ++i) wire::append_entry(entries, {"f/" + std::to_string(i), {qos1}}, with_options);
    while (entries.size() < 1024 * 1024 - 100) wire::append_entry(entries, {one, {qos1}}, with_options);
    return entries;
}

std::size_t count_of(const std::vector<Byte>& entries, bool with_options) {
    return wire::SubscribeEntries({entries.data(), entries.size()}, with_options).count();
}

struct Cost : Rig {
    explicit Cost(const ShardOptions& options = plain_options()) : Rig(options) { (*this)["c"].connects(lasting); }
    /// Steps of a SUBSCRIBE; its SUBACK is taken.
    std::uint64_t of_subscribe(const std::vector<Byte>& entries) {
        const std::uint64_t before = counters().subscribe_steps;
        const wire::SubscribeEntries list({entries.data(), entries.size()}, true);
        (*this)["c"].sends(encoded(wire::Subscribe{9, list, {}}, v5));
        suback = (*this)["c"].takes();
        return counters().subscribe_steps - before;
    }
    std::uint64_t of_unsubscribe(const std::vector<Byte>& entries) {
        const std::uint64_t before = counters().subscribe_steps;
        const wire::SubscribeEntries list({entries.data(), entries.size()}, false);
        (*this)["c"].sends(encoded(wire::Unsubscribe{9, list, {}}, v5));
        (*this)["c"].forgets();
        return counters().subscribe_steps - before;
    }
    std::string suback;
};

TEST_CASE("a SUBSCRIBE of 1 MiB that repeats one of a thousand filters costs a few steps per entry") {
    Cost cost;
    const std::vector<Byte> entries = repeated_entries("f/0", true);
    const std::size_t count = count_of(entries, true);
    REQUIRE(count > 140'000);
    CHECK(cost.of_subscribe(entries) < 5 * count);
    CHECK(cost.metrics().subscriptions == 1000);
    CHECK(cost.of_subscribe(entries) < 5 * count);  // all of them known
    CHECK(cost.suback.ends_with(" 1"));
}

TEST_CASE("an UNSUBSCRIBE of 1 MiB costs a few steps per entry, of filters that are there and that are not") {
    Cost cost;
    cost.of_subscribe(repeated_entries("f/0", true));
    for (const char* one : {"f/999", "not/there"}) {
        const std::vector<Byte> entries = repeated_entries(one, false);
        CHECK(cost.of_unsubscribe(entries) < 5 * count_of(entries, false));
    }
    CHECK(cost.metrics().subscriptions == 0);
}

TEST_CASE("a session of 20,000 filters pays for each what a session of ten pays") {
    Cost cost;
    for (std::size_t have = 0; have < 20'000; have += 5000) {
        std::vector<Byte> entries;
        for (std::size_t i = have; i < have + 5000; ++i)
            wire::append_entry(entries, {"house/room" + std::to_string(i), {qos0}}, true);
        CHECK(cost.of_subscribe(entries) < 5000U * (5 + (have == 0 ? session::SubscriptionSet::unindexed_max : 0)));
    }
    CHECK(cost.metrics().subscriptions == 20'000);  // nobody's home is larger: the default allows it
}

TEST_CASE("a thousand share groups of one filter are found and left by name") {
    Cost cost;
    std::vector<Byte> entries;
    for (int i = 0; i < 1000; ++i) wire::append_entry(entries, {"$share/g" + std::to_string(i) + "/t", {qos1}}, true);
    CHECK(cost.of_subscribe(entries) < 50'000);
    cost["p"].connects().publishes("t", "x", qos1);
    CHECK(cost["c"].acknowledges().waiting().size() == 100);  // Receive Maximum is not the client's wish, ours is 100
    std::vector<Byte> some;
    for (int i = 999; i >= 1; --i) wire::append_entry(some, {"$share/g" + std::to_string(i) + "/t", {}}, false);
    CHECK(cost.of_unsubscribe(some) < 50'000);
    CHECK(cost.metrics().subscriptions == 1);
}

auth::Policy thousand_rules() {
    std::string text = "user u\n";
    for (int i = 0; i < 1000; ++i) text += "topic read own/" + std::to_string(i) + "/#\n";
    auto acl = auth::Acl::parse(text, "acl");
    REQUIRE(acl.ok());
    auth::Policy policy;
    policy.acl = std::move(*acl);
    return policy;
}

TEST_CASE("with a thousand rules one packet is held against as many as the bound says, the rest is told so") {
    Cost cost;
    cost.shard->set_policy(snapshot_of(thousand_rules()), cost.now);
    Wish wish = lasting;
    wish.proven = "u";
    cost["c"].loses_connection().connects(wish);
    std::vector<Byte> entries;
    for (int i = 0; i < 40'000; ++i) wire::append_entry(entries, {"other/+/" + std::to_string(i), {}}, true);
    CHECK(cost.of_subscribe(entries) < Subscribing::rules_compared_max + 10 * 40'000);
    CHECK(cost.suback.starts_with("SUBACK 9 135 135"));
    CHECK(cost.suback.ends_with(" 151"));
    entries.clear();
    wire::append_entry(entries, {"own/7/x", {}}, true);
    cost.of_subscribe(entries);  // the next packet begins anew
    CHECK(cost.suback == "SUBACK 9 0");
}

TEST_CASE("entries beyond those of one packet are answered with 0x97, without a look at them") {
    session::SessionLimits limits;
    limits.max_packet_size_bytes = 4 * 1024 * 1024;
    ShardOptions options = plain_options();
    options.listeners[0].limits = limits;
    Cost cost(options);
    std::vector<Byte> entries;
    for (std::size_t i = 0; i < Subscribing::entries_max; ++i) wire::append_entry(entries, {"a", {}}, true);
    wire::append_entry(entries, {"b", {}}, true);
    cost.of_subscribe(entries);
    CHECK(cost.suback.ends_with(" 0 151"));
    CHECK(cost.metrics().subscriptions == 1);
}

TEST_CASE("entries beyond those of one UNSUBSCRIBE are answered with 0x83 without a look, or end a 3.x connection") {
    session::SessionLimits limits;
    limits.max_packet_size_bytes = 4 * 1024 * 1024;
    Rig rig(limits);
    std::vector<Byte> entries;
    for (std::size_t i = 0; i <= Subscribing::entries_max; ++i) wire::append_entry(entries, {"a", {}}, false);
    rig["c"].connects().sends(encoded(wire::Unsubscribe{9, {entries, false}, {}}, v5));
    CHECK(rig["c"].takes().ends_with(" 17 131"));
    rig["old"].connects({.version = v311}).sends(encoded(wire::Unsubscribe{9, {entries, false}, {}}, v311));
    CHECK_FALSE(rig["old"].is_open());
}

TEST_CASE("a thousand wishes about one filter are one record, and none if it goes before the commit") {
    Cost cost(stored_options());
    cost.writes = false;
    const auto cancelled = [&] { return cost.metrics().records_cancelled; };
    const std::uint64_t before = cancelled();
    std::vector<Byte> entries;
    for (int i = 0; i < 1000; ++i) wire::append_entry(entries, {"a", {i % 2 == 0 ? qos0 : qos1}}, true);
    cost.of_subscribe(entries);
    std::vector<Byte> gone;
    wire::append_entry(gone, {"a", {}}, false);
    cost.of_unsubscribe(gone);
    CHECK(cancelled() - before == 1);
}

}  // namespace
}  // namespace ledge::broker
