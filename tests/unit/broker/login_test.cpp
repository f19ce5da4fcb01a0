// Logins by token and by the authentication hook, as clients meet them.
#include "ledge/auth/authenticator.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

using auth::Carrier;

// Signed with HS256 and 32 times 's': {"sub":"u","exp":1}; {"sub":"u","exp":1767225700,"acl":{"pub":["a"]}}, which is
// 100 s after earliest_plausible_time.
constexpr std::string_view old_token =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1IiwiZXhwIjoxfQ.KzSlmxS281b2hI9Dm0Me29UzAnSwOLCJ_gjqpTkPBHA";
constexpr std::string_view good_token =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1IiwiZXhwIjoxNzY3MjI1NzAwLCJhY2wiOnsicHViIjpbImEiXX19.VNjhtE1m68IVS364hjQhJl0oJ_"
    "VPbBQ--7Ndxz4lRn0";

auth::Policy with_tokens() {
    auth::Policy policy;
    policy.tokens.emplace();
    policy.tokens->keys = auth::parse_key_file(std::string(32, 's')).value().keys;
    return policy;
}

Wish as(std::string_view user, std::string_view password) {
    Wish wish;
    wish.user = user;
    wish.password = password;
    return wish;
}

/// Carries out what is for the worker.
void work(Rig& rig) {
    while (const auto task = rig.shard->take_login_task(Carrier::worker, rig.now))
        rig.shard->on_login_checked(task->number, auth::carry_out(task->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
}

TEST_CASE("a token gives a name, rights and an end; without a key its connection ends with 0x98") {
    Rig rig;
    rig.shard->set_policy(with_tokens(), rig.now);
    rig["c"].tries_to_connect(as("u", good_token));
    work(rig);
    CHECK(rig["c"].takes() == "CONNACK success");
    CHECK(rig["c"].publishes("a", "1", qos1) == "no_matching_subscribers");
    CHECK(rig["c"].publishes("b", "1", qos1) == "not_authorized");
    rig["d"].tries_to_connect(as("u", good_token));
    work(rig);
    rig.passes(129s);  // and 30 s of leeway
    CHECK(rig["d"].takes() == "CONNACK success");
    rig.passes(1s);
    CHECK(rig["d"].takes() == "DISCONNECT maximum_connect_time");
    rig["e"].tries_to_connect(as("u", good_token));
    work(rig);
    rig.shard->set_policy({}, rig.now);
    rig.settle();
    CHECK(rig["e"].takes() == "CONNACK success | DISCONNECT administrative_action");
}

TEST_CASE("an old token is nobody's guess: its address is not blocked, unlike with forged ones") {
    Rig rig;
    rig.shard->set_policy(with_tokens(), rig.now);
    for (int i = 0; i < 30; ++i) {
        rig["c"].tries_to_connect(as("u", old_token));
        work(rig);
        CHECK(rig["c"].takes() == "CONNACK not_authorized");
    }
    CHECK(rig.log.count("address_blocked") == 0);
    const std::string forged = std::string(good_token.substr(0, good_token.size() - 4)) + "AAAA";
    for (int i = 0; i < 20; ++i) {
        rig["c"].tries_to_connect(as("u", forged));
        work(rig);
        CHECK(rig["c"].takes() == "CONNACK bad_user_name_or_password");
    }
    CHECK(rig.log.count("address_blocked") == 1);
}

TEST_CASE("who waits for the hook takes nobody's turn, and no room from who does not") {
    Rig rig;
    auth::Policy policy = with_tokens();
    policy.hook = auth::HookOptions{};
    const auth::HookOptions hook = *policy.hook;
    rig.shard->set_policy(std::move(policy), rig.now);
    for (std::size_t i = 0; i < session::LoginQueue::waiting_max; ++i)
        rig["h" + std::to_string(i)].tries_to_connect(as("x", "p"));
    rig["full"].tries_to_connect(as("x", "p"));
    CHECK(rig["full"].takes() == "CONNACK server_busy");
    rig["c"].tries_to_connect(as("u", good_token));
    work(rig);
    CHECK(rig["c"].takes() == "CONNACK success");
    for (const unsigned status : {200U, 403U, 500U}) {
        const auto task = rig.shard->take_login_task(Carrier::hook, rig.now);
        REQUIRE(task);
        const auto& question = std::get<auth::HookQuestion>(task->check);
        CHECK(question.address == "192.0.2.1");
        rig.shard->on_login_checked(task->number, auth::read_hook_answer(hook, question, status, ""), rig.now);
    }
    rig.settle();
    CHECK(rig["h0"].takes() == "CONNACK success");
    CHECK(rig["h1"].takes() == "CONNACK bad_user_name_or_password");
    CHECK(rig["h2"].takes() == "CONNACK server_unavailable");
    rig.shard->set_policy({}, rig.now);
    rig.settle();
    CHECK(rig["h0"].takes() == "DISCONNECT administrative_action");
}

}  // namespace
}  // namespace ledge::broker
