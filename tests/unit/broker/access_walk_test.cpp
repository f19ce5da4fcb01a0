// A new policy with more clients, or more subscriptions, than one step judges.
#include <utility>

#include "access.hpp"
#include "ledge/auth/authenticator.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

constexpr int per_step_max = static_cast<int>(Access::work_max / Access::work_of_client);
constexpr int crowd_size = 2 * per_step_max + 50;  // more than two steps

auth::Policy rules_for_all(std::string_view acl) {
    auth::Policy result;
    result.acl = std::move(*auth::Acl::parse(acl, "acl"));
    return result;
}

std::string crowd_name(int i) { return "c" + std::to_string(i); }

/// Connects many clients, each with a subscription to "x".
void connect_crowd(Rig& rig) {
    for (int i = 0; i < crowd_size; ++i) rig[crowd_name(i)].connects().subscribes("x");
}

/// Clients of the crowd that no step has disconnected.
int count_left(Rig& rig) {
    int left = 0;
    for (int i = 0; i < crowd_size; ++i) {
        const session::Connection* connection = rig[crowd_name(i)].connection;
        left += connection != nullptr && !connection->is_closing() ? 1 : 0;
    }
    return left;
}

bool is_walking(Rig& rig) { return rig.shard->next_deadline() <= rig.now; }

TEST_CASE("a new policy judges a bounded number of clients in a step, and all of them in the end") {
    Rig rig;
    connect_crowd(rig);
    rig.shard->set_policy(snapshot_of(rules_for_all("topic y")), rig.now);
    int left = count_left(rig);
    CHECK(left < crowd_size);
    for (int before = crowd_size; is_walking(rig); rig.shard->on_time(rig.now), left = count_left(rig)) {
        CHECK(left < before);
        CHECK(left >= before - per_step_max);
        before = left;
    }
    CHECK(left == 0);
    rig.settle();
    CHECK(rig[crowd_name(crowd_size - 1)].takes() == "DISCONNECT not_authorized");
    CHECK(rig.metrics().clients_connected == 0);
}

TEST_CASE("a client acts by the new rights before the walk has reached it") {
    Rig rig;
    connect_crowd(rig);
    rig.shard->set_policy(snapshot_of(rules_for_all("topic read x\ntopic write y")), rig.now);
    REQUIRE(is_walking(rig));
    CHECK(rig[crowd_name(crowd_size - 1)].publishes("x", "1", qos1) == "not_authorized");
    CHECK(rig[crowd_name(0)].takes().empty());
    CHECK(count_left(rig) == crowd_size);
}

TEST_CASE("the will of a client that is lost before the walk reaches it is judged by the new rights") {
    Rig rig;
    connect_crowd(rig);
    rig["w"].connects({.will = wire::Will{"x", as_bytes("gone"), qos0, false, {}}});
    rig.shard->set_policy(snapshot_of(rules_for_all("topic read x\ntopic write y")), rig.now);
    REQUIRE(is_walking(rig));
    rig["w"].loses_connection();
    CHECK(rig.log.count("will_refused") == 1);
    CHECK(rig[crowd_name(crowd_size - 1)].takes().empty());
}

TEST_CASE("a client whose user was removed is disconnected before its next packet counts") {
    Rig rig;
    auth::Policy policy;
    const auto hash = auth::hash_password(as_bytes("secret"), as_bytes("salt"), 1);
    policy.passwords = std::move(*auth::PasswordFile::parse(auth::with_password("", "ann", hash)));
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
    connect_crowd(rig);
    Wish wish;
    wish.user = "ann";
    wish.password = "secret";
    rig["last"].tries_to_connect(wish);
    const auto task = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
    REQUIRE(task);
    rig.shard->on_login_checked(task->number, auth::carry_out(task->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
    REQUIRE(rig["last"].takes() == "CONNACK success");
    rig.shard->set_policy(snapshot_of({}), rig.now);
    REQUIRE(is_walking(rig));
    rig["last"].publishes("x", "1");
    CHECK(rig["last"].takes() == "DISCONNECT administrative_action");
    CHECK(rig[crowd_name(0)].takes().empty());
    CHECK(count_left(rig) == crowd_size);
}

TEST_CASE("a second policy during the walk begins the walk anew and alone decides about the rest") {
    Rig rig;
    connect_crowd(rig);
    SUBCASE("the second forbids what the first has allowed") {
        rig.shard->set_policy(snapshot_of(rules_for_all("topic x")), rig.now);
        REQUIRE(is_walking(rig));
        rig.shard->set_policy(snapshot_of(rules_for_all("topic y")), rig.now);
        rig.settle();
        CHECK(count_left(rig) == 0);
    }
    SUBCASE("the second allows what the first has forbidden") {
        rig.shard->set_policy(snapshot_of(rules_for_all("topic y")), rig.now);
        const int left = count_left(rig);
        REQUIRE(is_walking(rig));
        rig.shard->set_policy(snapshot_of(rules_for_all("topic x")), rig.now);
        rig.settle();
        CHECK(count_left(rig) == left);
        CHECK(left > 0);
    }
    CHECK_FALSE(is_walking(rig));
}

TEST_CASE("connections that end or come during the walk neither stop it nor are judged twice") {
    Rig rig;
    connect_crowd(rig);
    rig.shard->set_policy(snapshot_of(rules_for_all("topic y")), rig.now);
    const int reached = crowd_size - count_left(rig);
    REQUIRE(is_walking(rig));
    const auto closes = [&](int i) {
        Client& client = rig[crowd_name(i)];
        rig.shard->on_closed(*std::exchange(client.connection, nullptr), rig.now);
    };
    SUBCASE("the one that the walk has reached, with its neighbours") {
        for (const int i : {reached + 1, reached, reached - 1, reached + 2}) closes(i);
    }
    SUBCASE("the last one") { closes(crowd_size - 1); }
    SUBCASE("all that are left") {
        for (int i = reached; i < crowd_size; ++i) closes(i);
        CHECK_FALSE(is_walking(rig));
    }
    SUBCASE("its session goes to a new connection") {
        const std::string name = crowd_name(reached);
        rig["new"].connects({.client_id = name});
        rig["new"].disconnects();
    }
    rig.settle();
    CHECK(count_left(rig) == 0);
    CHECK_FALSE(is_walking(rig));
    rig["later"].connects().subscribes("y");
    CHECK(rig["later"].publishes("y", "1", qos1) == "success");
}

TEST_CASE("a stop during the walk ends the walk") {
    Rig rig;
    connect_crowd(rig);
    rig.shard->set_policy(snapshot_of(rules_for_all("topic y")), rig.now);
    REQUIRE(is_walking(rig));
    rig.shard->shut_down(rig.now);
    CHECK_FALSE(is_walking(rig));
    rig.settle();
    CHECK(rig[crowd_name(crowd_size - 1)].takes() == "DISCONNECT server_shutting_down");
}

TEST_CASE("a client with more subscriptions than one step judges") {
    constexpr std::uint32_t count = 5000;
    static_assert(count > Access::work_max);
    Rig rig;
    rig["c"].connects();
    for (std::uint32_t i = 0; i < count; ++i) rig["c"].subscribes("t/" + std::to_string(i));
    auth::Policy next = rules_for_all("topic y");
    next.on_revocation = auth::Revocation::unsubscribe;
    rig.shard->set_policy(snapshot_of(std::move(next)), rig.now);
    CHECK(rig.metrics().subscriptions >= count - Access::work_max);
    CHECK(rig.metrics().subscriptions < count);
    REQUIRE(is_walking(rig));
    SUBCASE("all are revoked") {
        rig.settle();
        CHECK(rig.log.count("subscription_revoked") == count);
    }
    SUBCASE("one that the client gives up during the walk is not revoked") {
        rig["c"].unsubscribes("t/" + std::to_string(count - 1));
        CHECK(rig.log.count("subscription_revoked") == count - 1);
    }
    SUBCASE("a second policy that allows them saves the rest") {
        const std::uint64_t left = rig.metrics().subscriptions;
        rig.shard->set_policy(snapshot_of(rules_for_all("topic t/#")), rig.now);
        rig.settle();
        CHECK(rig.metrics().subscriptions == left);
    }
    CHECK_FALSE(is_walking(rig));
    CHECK(rig["c"].is_open());
}

}  // namespace
}  // namespace ledge::broker
