// Logins by token and by the authentication hook, as clients meet them.
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
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
    rig.shard->set_policy(snapshot_of(with_tokens()), rig.now);
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
    rig.shard->set_policy(snapshot_of({}), rig.now);
    rig.settle();
    CHECK(rig["e"].takes() == "CONNACK success | DISCONNECT administrative_action");
}

TEST_CASE("an old token is nobody's guess: its address is not blocked, unlike with forged ones") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(with_tokens()), rig.now);
    for (int i = 0; i < 30; ++i) {
        rig["c"].tries_to_connect(as("u", old_token));
        work(rig);
        CHECK(rig["c"].takes() == "CONNACK not_authorized");
    }
    CHECK(rig.log.count("login_blocked") == 0);
    const std::string forged = std::string(good_token.substr(0, good_token.size() - 4)) + "AAAA";
    for (int i = 0; i < 20; ++i) {
        rig["c"].tries_to_connect(as("u", forged));
        work(rig);
        CHECK(rig["c"].takes() == "CONNACK bad_user_name_or_password");
    }
    CHECK(rig.log.count("login_blocked") == 1);
}

TEST_CASE("who waits for the hook takes nobody's turn, and no room from who does not") {
    Rig rig;
    auth::Policy policy = with_tokens();
    policy.hook = auth::HookOptions{};
    const auth::HookOptions hook = *policy.hook;
    rig.shard->set_policy(snapshot_of(std::move(policy)), rig.now);
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
    rig.shard->set_policy(snapshot_of({}), rig.now);
    rig.settle();
    CHECK(rig["h0"].takes() == "DISCONNECT administrative_action");
}

/// The users "a" and "b" with their names as passwords.
auth::Policy with_users() {
    std::string file;
    for (const std::string_view name : {"a", "b"})
        file = auth::with_password(file, name, auth::hash_password(as_bytes(name), as_bytes("salt"), 1));
    auth::Policy policy;
    policy.passwords = std::move(*auth::PasswordFile::parse(file));
    return policy;
}

Wish from(std::string_view address, std::string_view user, std::string_view password) {
    Wish wish = as(user, password);
    wish.address = address;
    return wish;
}

/// Carries out the check that comes next; whose it was.
std::string checks_one(Rig& rig) {
    const auto task = rig.shard->take_login_task(Carrier::worker, rig.now);
    if (!task) return "";
    const auto& check = std::get<auth::PasswordCheck>(task->check);
    std::string password(as_text(check.password.bytes()));
    rig.shard->on_login_checked(task->number, auth::carry_out(task->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
    return check.user + ":" + password;
}

TEST_CASE("a device with an old password keeps only itself out of its site") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    int refused_unseen = 0;
    for (int second = 0; second < 148; ++second) {
        if (second % 2 == 0) {
            rig["old"].tries_to_connect(from("192.0.2.1:1", "a", "old"));
            work(rig);
            refused_unseen += rig["old"].takes() == "CONNACK connection_rate_exceeded" ? 1 : 0;
        }
        rig["dash"].tries_to_connect(from("192.0.2.1:2", "b", "b"));
        work(rig);
        CHECK(rig["dash"].takes() == "CONNACK success");
        rig["dash"].loses_connection();
        rig.passes(1s);
    }
    CHECK(refused_unseen > 30);
}

TEST_CASE("strangers who guess from many addresses do not hold up who has logged in before") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    rig["known"].tries_to_connect(from("192.0.2.1:1", "b", "b"));
    work(rig);
    rig["known"].loses_connection();
    for (int i = 0; i < 250; ++i)
        rig["g" + std::to_string(i)].tries_to_connect(from("10.0.0." + std::to_string(i) + ":1", "a", "guess"));
    rig["known"].forgets();
    rig["known"].tries_to_connect(from("192.0.2.1:1", "b", "b"));
    CHECK(checks_one(rig) == "b:b");
    CHECK(rig["known"].takes() == "CONNACK success");
    while (!checks_one(rig).empty()) {
    }
    for (int i = 0; i < 250; ++i)
        rig["h" + std::to_string(i)].tries_to_connect(from("10.0.0." + std::to_string(i) + ":1", "a", "guess"));
    rig["new"].tries_to_connect(from("192.0.2.7:1", "a", "a"));
    CHECK(checks_one(rig) == "a:a");  // they have failed, it has not
    CHECK(rig["new"].takes() == "CONNACK success");
}

TEST_CASE("addresses take turns, and so do the names at one address") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    for (int i = 0; i < 50; ++i) rig["g" + std::to_string(i)].tries_to_connect(from("192.0.2.66:1", "a", "guess"));
    rig["elsewhere"].tries_to_connect(from("192.0.2.7:1", "b", "elsewhere"));
    rig["beside"].tries_to_connect(from("192.0.2.66:1", "b", "beside"));
    CHECK(checks_one(rig) == "a:guess");
    CHECK(checks_one(rig) == "b:elsewhere");
    CHECK(checks_one(rig) == "b:beside");
}

TEST_CASE("a full queue makes room for an address that waits less often than others") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    for (std::size_t i = 0; i < session::LoginQueue::waiting_max; ++i)
        rig["g" + std::to_string(i)].tries_to_connect(from("192.0.2.66:1", "a", "guess"));
    rig["same"].tries_to_connect(from("192.0.2.66:1", "b", "b"));
    CHECK(rig["same"].takes() == "CONNACK server_busy");
    rig["new"].tries_to_connect(from("192.0.2.7:1", "b", "b"));
    CHECK(rig["g999"].takes() == "CONNACK server_busy");
    CHECK(checks_one(rig) == "a:guess");
    CHECK(checks_one(rig) == "b:b");
    CHECK(rig["new"].takes() == "CONNACK success");
}

TEST_CASE("after a restart the owner of a kept session comes before strangers") {
    Rig rig(stored_options());
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    Wish wish = from("192.0.2.1:1", "b", "b");
    wish.clean = false;
    wish.expiry = 3600;
    rig["kept"].tries_to_connect(wish);
    work(rig);
    rig.commits();
    rig.restarts();
    rig.shard->set_policy(snapshot_of(with_users()), rig.now);
    for (int i = 0; i < 250; ++i)
        rig["g" + std::to_string(i)].tries_to_connect(from("10.0.0." + std::to_string(i) + ":1", "a", "guess"));
    rig["kept"].forgets();
    rig["kept"].tries_to_connect(wish);
    CHECK(checks_one(rig) == "b:b");
    CHECK(rig["kept"].takes() == "CONNACK success present");
}

TEST_CASE("when those who guess have left, the login of a new client is the next one, also after a restart") {
    Rig rig(stored_options());
    for (const bool is_restarted : {false, true}) {
        rig.shard->set_policy(snapshot_of(with_users()), rig.now);
        for (int i = 0; i < 300; ++i)
            rig["g" + std::to_string(i)].tries_to_connect(
                from("10.0.0." + std::to_string(i % 50) + ":1", "a", "guess"));
        CHECK(checks_one(rig) == "a:guess");
        for (int i = 0; i < 300; ++i) {
            Client& guesser = rig["g" + std::to_string(i)];
            if (guesser.is_open()) guesser.loses_connection();
        }
        const std::string name = is_restarted ? "later" : "new";
        rig[name].tries_to_connect(from("192.0.2.9:1", "b", "b"));
        CHECK(checks_one(rig) == "b:b");
        CHECK(rig[name].takes() == "CONNACK success");
        rig.restarts();
    }
}

}  // namespace
}  // namespace ledge::broker
