// Whose a session is, and what becomes of others who come with its client id.
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/broker/options.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

/// What the client id "c" is answered when this user comes with it over a connection of its own.
std::string answer_to(Rig& rig, const char* connection, std::string_view user, Wish wish = lasting) {
    wish.client_id = "c";
    if (!user.empty()) wish.proven = user;
    rig[connection].tries_to_connect(wish);
    return rig[connection].takes();
}

Wish as_user(std::string_view user) {
    Wish wish;
    wish.proven = user;
    return wish;
}

TEST_CASE("a session is its user's: nobody else resumes it, ends it or takes it over, anonymous or known") {
    for (const bool is_online : {true, false}) {
        CAPTURE(is_online);
        Rig rig;
        CHECK(answer_to(rig, "alice", "alice") == "CONNACK success");
        rig["alice"].subscribes("t", qos1);
        if (!is_online) rig["alice"].loses_connection();
        Wish clean{.clean = true};
        Wish old = lasting_v311;
        for (const Wish& wish : {lasting, clean, old}) {
            CHECK(answer_to(rig, "bob", "bob", wish) == "CONNACK client_identifier_not_valid");
            CHECK(answer_to(rig, "nobody", "", wish) == "CONNACK client_identifier_not_valid");
            CHECK_FALSE(rig["bob"].is_open());
        }
        CHECK(rig["alice"].is_open() == is_online);
        CHECK(rig.counters().takeovers == 0);
        CHECK(rig.log.count("session_of_another_user") == 6);
        rig["p"].connects().publishes("t", "1", qos1);
        if (!is_online) CHECK(answer_to(rig, "again", "alice") == "CONNACK success present | PUBLISH t 1 q1#1");
        if (is_online) CHECK(rig["alice"].takes() == "PUBLISH t 1 q1#1");
    }
}

TEST_CASE("client identifiers of bridges are for parts of this program only [MQTT-3.1.3-8]") {
    Rig rig;
    Wish bridge = lasting;
    bridge.client_id = "$bridge/cloud";
    for (const std::string_view user : {"", "alice", "$bridge/cloud"}) {
        Wish stranger = bridge;
        if (!user.empty()) stranger.proven = user;
        rig["stranger"].tries_to_connect(stranger);
        CHECK(rig["stranger"].takes() == "CONNACK client_identifier_not_valid");
    }
    bridge.proven = "$bridge/cloud";
    bridge.is_inner = true;
    rig["bridge"].tries_to_connect(bridge);
    CHECK(rig["bridge"].takes() == "CONNACK success");
    CHECK(rig.shard->find_session("$bridge/cloud")->owner == "$bridge/cloud");
    CHECK_FALSE(rig.shard->find_session("$bridge/other").has_value());
    Wish part = lasting;
    part.client_id = part.proven = "$part/ota";
    rig["stranger"].tries_to_connect(part);
    CHECK(rig["stranger"].takes() == "CONNACK client_identifier_not_valid");
    part.is_inner = true;
    rig["part"].tries_to_connect(part);
    CHECK(rig["part"].takes() == "CONNACK success");
}

TEST_CASE("a session without a proven owner goes to whoever comes, and is his if he has a name") {
    Rig rig;
    CHECK(answer_to(rig, "1", "") == "CONNACK success");
    CHECK(answer_to(rig, "2", "") == "CONNACK success present");
    CHECK(answer_to(rig, "3", "alice") == "CONNACK success present");
    CHECK(answer_to(rig, "4", "") == "CONNACK client_identifier_not_valid");
    rig.passes(31s);  // a third one at once would wait for its turn
    CHECK(answer_to(rig, "5", "alice") == "CONNACK success present");
    CHECK(rig.counters().takeovers == 3);
    rig["5"].disconnects(ReasonCode::success, 0);  // it ends: the identifier is free
    CHECK(answer_to(rig, "6", "bob") == "CONNACK success");
}

TEST_CASE("whose a session is survives a restart; bind_sessions = false lets go of it") {
    Rig rig(stored_options());
    CHECK(answer_to(rig, "1", "alice") == "CONNACK success");
    rig.commits();
    rig.restarts();
    CHECK(answer_to(rig, "2", "bob") == "CONNACK client_identifier_not_valid");
    auth::Policy policy;
    policy.binds_sessions = false;
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
    CHECK(answer_to(rig, "3", "bob") == "CONNACK success present");
    rig.shard->set_policy(snapshot_of({}), rig.now);
    CHECK(answer_to(rig, "4", "alice") == "CONNACK client_identifier_not_valid");
}

auth::Policy policy_of(std::string_view user) {
    auth::Policy policy;
    const auto hash = auth::hash_password(as_bytes("p"), as_bytes("salt"), 1);
    policy.passwords = std::move(*auth::PasswordFile::parse(auth::with_password("", std::string(user), hash)));
    return policy;
}

TEST_CASE("a session whose user the password file does not have any more is free, and nobody gets its messages") {
    Rig rig(stored_options());
    rig.shard->set_policy(snapshot_of(policy_of("alice")), rig.now);
    CHECK(answer_to(rig, "1", "alice") == "CONNACK success");
    rig["1"].subscribes("t", qos1).loses_connection();
    rig["p"].connects(as_user("alice")).publishes("t", "secret", qos1);
    CHECK(answer_to(rig, "2", "bob") == "CONNACK client_identifier_not_valid");
    rig.shard->set_policy(snapshot_of(policy_of("bob")), rig.now);
    CHECK(answer_to(rig, "3", "bob") == "CONNACK success");
    CHECK(rig.log.count("session_removed") == 1);
    CHECK(rig.metrics().subscriptions == 0);
    CHECK(answer_to(rig, "4", "bob") == "CONNACK success present");
}

TEST_CASE("where names are proven otherwise too, the password file does not say who is gone") {
    ShardOptions options = stored_options();
    options.has_other_users = true;
    Rig rig(options);
    rig.shard->set_policy(snapshot_of(policy_of("bob")), rig.now);
    CHECK(answer_to(rig, "1", "alice") == "CONNACK success");
    rig["1"].loses_connection();
    CHECK(answer_to(rig, "2", "bob") == "CONNACK client_identifier_not_valid");
}

}  // namespace
}  // namespace ledge::broker
