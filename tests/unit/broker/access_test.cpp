// Users, passwords and rights, as clients meet them.
#include <algorithm>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/topic/name.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

/// Users "a", "b" and so on with the passwords "pa", "pb".
auth::Policy policy(std::string_view users, std::string_view acl) {
    auth::Policy result;
    std::string text;
    for (const char user : users) {
        const std::string password = std::string("p") + user;
        text = auth::with_password(text, std::string(1, user),
                                   auth::hash_password(as_bytes(password), as_bytes("salt"), 1));
    }
    if (!users.empty()) result.passwords = std::move(*auth::PasswordFile::parse(text));
    auto rules = auth::Acl::parse(acl, "acl");
    REQUIRE(rules.ok());
    if (!acl.empty()) result.acl = std::move(*rules);
    return result;
}

/// Does the arithmetic of every waiting login. How many there were.
int check_passwords(Rig& rig) {
    int count = 0;
    while (const auto task = rig.shard->take_login_task(auth::Carrier::worker, rig.now)) {
        rig.shard->on_login_checked(task->number, auth::carry_out(task->check, auth::earliest_plausible_time), rig.now);
        ++count;
    }
    rig.settle();
    return count;
}

Wish as(std::string_view user, std::string_view password, Wish wish = {}) {
    wish.user = user;
    wish.password = password;
    return wish;
}

TEST_CASE("a password is checked elsewhere; what is sent meanwhile waits for CONNACK") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", "")), rig.now);
    rig["c"].tries_to_connect(as("a", "pa"));
    CHECK(rig["c"].takes().empty());
    rig["c"].sends(std::string_view("\xC0\0\xC0", 3)).sends(std::string_view("\0", 1));  // two PINGREQ
    CHECK(rig["c"].takes().empty());
    CHECK(check_passwords(rig) == 1);
    CHECK(rig["c"].takes() == "CONNACK success | PINGRESP | PINGRESP");
}

TEST_CASE("a listener that becomes closed to anonymous clients ends those that are there, and lets no new ones in") {
    ShardOptions options = plain_options();
    options.listeners[0].name = "l";
    Rig rig(options);
    rig["c"].connects();
    options.listeners[0].allow_anonymous = false;
    rig.shard->set_limits(options.listeners);
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    rig.settle();
    CHECK(rig["c"].takes() == "DISCONNECT administrative_action");
    rig["d"].tries_to_connect();
    CHECK(rig["d"].takes() == "CONNACK not_authorized");
}

TEST_CASE("wrong password, unknown user and missing password look the same") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", "")), rig.now);
    for (const auto& [user, password] : {std::pair{"a", "pb"}, {"x", "pa"}, {"", "pa"}, {"a", ""}}) {
        rig["v5"].tries_to_connect(as(user, password));
        rig["v3"].tries_to_connect(as(user, password, {.version = v311}));
        CHECK(check_passwords(rig) == 2);
        CHECK(rig["v5"].takes() == "CONNACK bad_user_name_or_password");
        CHECK(rig["v3"].takes() == "CONNACK bad_user_name_or_password");
        CHECK_FALSE(rig["v5"].is_open());
        CHECK_FALSE(rig["v3"].is_open());
    }
    CHECK(rig.counters().login_failures == 8);
    CHECK(rig.log.count("login_failed") == 8);
}

TEST_CASE("what is held before CONNACK is bounded") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    rig["c"].tries_to_connect(as("a", "pa"));
    const std::string much(session::LoginQueue::held_bytes_max, '\xC0');
    rig["c"].sends(much);
    CHECK(rig["c"].is_open());
    rig["c"].sends("\xC0");
    CHECK(rig["c"].takes() == "CONNACK quota_exceeded");
    CHECK(check_passwords(rig) == 0);
}

TEST_CASE("a connection that is gone, or too late, leaves nothing waiting") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    rig["gone"].tries_to_connect(as("a", "pa"));
    const auto check = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
    REQUIRE(check);
    CHECK_FALSE(rig.shard->take_login_task(auth::Carrier::worker, rig.now));  // it is under way
    rig["gone"].loses_connection();
    rig.shard->on_login_checked(check->number, auth::carry_out(check->check, auth::earliest_plausible_time), rig.now);
    rig["late"].tries_to_connect(as("a", "pa"));
    const auto second = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
    REQUIRE(second);
    rig.passes(11s);
    CHECK_FALSE(rig["late"].is_open());
    rig.shard->on_login_checked(second->number, auth::carry_out(second->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
    CHECK(rig.metrics().clients_connected == 0);
    CHECK(check_passwords(rig) == 0);
}

TEST_CASE("10,000 wrong logins: few are computed, memory stays bounded, another address gets in") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    int computed = 0;
    for (int i = 0; i < 10'000; ++i) {
        Client& client = rig["c" + std::to_string(i % 100)];
        client.tries_to_connect(as("a", "guess"));
        computed += check_passwords(rig);
        client.forgets();
        CHECK_FALSE(client.is_open());
    }
    CHECK(computed == 20);
    rig["c"].tries_to_connect(as("a", "pa"));
    CHECK(rig["c"].takes() == "CONNACK connection_rate_exceeded");
    Wish other = as("a", "pa");
    other.address = "192.0.2.2:1";
    rig["d"].tries_to_connect(other);
    CHECK(check_passwords(rig) == 1);
    CHECK(rig["d"].takes() == "CONNACK success");
    rig.passes(61s);
    rig["e"].tries_to_connect(as("a", "pa"));
    check_passwords(rig);
    CHECK(rig["e"].takes() == "CONNACK success");
    CHECK(rig.log.count("login_blocked") == 1);
}

TEST_CASE("who guesses comes last, and those who wait when their address is blocked are told so") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    for (int i = 0; i < 30; ++i) rig["g" + std::to_string(i)].tries_to_connect(as("a", "guess"));
    Wish other = as("a", "pa");
    other.address = "192.0.2.2:1";
    rig["good"].tries_to_connect(other);
    const auto first = rig.shard->take_login_task(auth::Carrier::worker, rig.now);  // nobody is known yet
    rig.shard->on_login_checked(first->number, auth::carry_out(first->check, auth::earliest_plausible_time), rig.now);
    const auto second = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
    CHECK(as_text(std::get<auth::PasswordCheck>(second->check).password.bytes()) == "pa");
    rig.shard->on_login_checked(second->number, auth::carry_out(second->check, auth::earliest_plausible_time), rig.now);
    CHECK(check_passwords(rig) == 19);
    CHECK(rig["good"].takes() == "CONNACK success");
    CHECK(rig["g19"].takes() == "CONNACK bad_user_name_or_password");
    CHECK(rig["g20"].takes() == "CONNACK connection_rate_exceeded");
    CHECK(rig["g29"].takes() == "CONNACK connection_rate_exceeded");
}

// ---------------------------------------------------------------------------------------------------------------------

Client& logged_in(Rig& rig, const std::string& name, std::string_view user, Wish wish = {}) {
    rig[name].tries_to_connect(as(user, "p" + std::string(user), wish));
    check_passwords(rig);
    REQUIRE(rig[name].takes().starts_with("CONNACK success"));
    return rig[name];
}

constexpr std::string_view rules =
    "topic read public/#\n"
    "user a\ntopic readwrite plant/#\ntopic deny plant/secret/#\ntopic read public/#\n"
    "user b\ntopic write #\n"
    "pattern readwrite devices/%u/%c/#\n";

TEST_CASE("publish: refused with 0x87 for v5, acknowledged and dropped for 3.1.1, QoS 0 dropped") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Client& watcher = logged_in(rig, "w", "a").subscribes("#");
    Client& five = logged_in(rig, "five", "a");
    Client& three = logged_in(rig, "three", "a", {.version = v311});
    CHECK(five.publishes("plant/x", "1", qos1) == "success");
    CHECK(watcher.takes() == "PUBLISH plant/x 1");
    for (const QoS qos : {qos1, qos2}) {
        CHECK(five.publishes("public/x", "2", qos) == "not_authorized");
        CHECK(five.publishes("plant/secret", "2", qos) == "not_authorized");
        CHECK(three.publishes("public/x", "2", qos) == "success");
    }
    five.publishes("public/x", "2", qos0, true);
    CHECK(five.publishes("devices/a/five/x", "3", qos1) == "no_matching_subscribers");  // "w" may not read it
    CHECK(five.publishes("devices/a/three/x", "3", qos1) == "not_authorized");
    CHECK(watcher.takes().empty());
    CHECK(rig.metrics().retained_messages == 0);
    CHECK(rig.counters().refused_not_allowed == 8);
}

TEST_CASE("subscribe: refused when it could bring nothing; delivery: a wildcard brings what may be read") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Client& writer = logged_in(rig, "writer", "b");
    Client& nobody = rig["nobody"].connects();
    CHECK(nobody.answer_to_subscribe("plant/#") == "SUBACK 1 135");
    CHECK(nobody.answer_to_subscribe("#") == "SUBACK 2 0");
    CHECK(nobody.answer_to_subscribe("$share/g/plant/+") == "SUBACK 3 135");
    Client& old = rig["old"].connects({.version = v311});
    CHECK(old.answer_to_subscribe("plant/x") == "SUBACK 1 128");
    Client& a = logged_in(rig, "reader", "a").subscribes("#").subscribes("plant/#", qos0);
    for (const char* topic : {"plant/x", "plant/secret/x", "public/x", "other"}) writer.publishes(topic, "v");
    CHECK(nobody.takes() == "PUBLISH public/x v");
    CHECK(a.takes() == "PUBLISH plant/x v | PUBLISH public/x v");
}

TEST_CASE("retained messages are judged when they are delivered") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Client& writer = logged_in(rig, "writer", "b");
    for (const char* topic : {"plant/x", "plant/secret/x", "public/x", "other"})
        writer.publishes(topic, "v", qos1, true);
    CHECK(rig["nobody"].connects().subscribes("#").takes() == "PUBLISH public/x v retain");
    CHECK(logged_in(rig, "a", "a").subscribes("plant/#").takes() == "PUBLISH plant/x v retain");
}

TEST_CASE("a retained message is withheld while its publisher may not publish it any more") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Client& writer = logged_in(rig, "writer", "b");
    writer.publishes("plant/x", "v", qos1, true);
    writer.publishes("plant/y", "v", qos1, true);
    Client& reader = logged_in(rig, "reader", "a");
    CHECK(reader.subscribes("plant/#").takes() == "PUBLISH plant/x v retain | PUBLISH plant/y v retain");
    rig.shard->set_policy(snapshot_of(policy("ab", "user a\ntopic read plant/#\nuser b\ntopic write plant/y")),
                          rig.now);
    CHECK(reader.subscribes("plant/#").takes() == "PUBLISH plant/y v retain");
    rig.shard->set_policy(snapshot_of(policy("ab", "user a\ntopic read plant/#\npattern write plant/%c")), rig.now);
    CHECK(reader.subscribes("plant/#").takes().empty());
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    CHECK(reader.subscribes("plant/#").takes() == "PUBLISH plant/x v retain | PUBLISH plant/y v retain");
}

TEST_CASE("a shared subscription picks among those who may receive it") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    rig["nobody"].connects().subscribes("$share/g/#");
    Client& a = logged_in(rig, "reader", "a").subscribes("$share/g/#");
    Client& writer = logged_in(rig, "writer", "b");
    for (int i = 0; i < 4; ++i) writer.publishes("plant/x", std::to_string(i));
    writer.publishes("other", "x");
    CHECK(rig["nobody"].takes().empty());
    CHECK(a.waiting().size() == 4);
}

TEST_CASE("a will is judged at CONNECT and again when it is published") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Client& watcher = logged_in(rig, "watcher", "a").subscribes("plant/#");
    Wish wish = as("a", "pa");
    wish.will = wire::Will{"public/x", as_bytes("gone"), qos0, false, {}};
    rig["c"].tries_to_connect(wish);
    check_passwords(rig);
    CHECK(rig["c"].takes() == "CONNACK not_authorized");
    wish.will->topic = "plant/x";
    for (const bool is_revoked : {false, true}) {
        rig["d"].tries_to_connect(wish);
        check_passwords(rig);
        REQUIRE(rig["d"].takes() == "CONNACK success");
        if (is_revoked) rig.shard->set_policy(snapshot_of(policy("ab", "user a\ntopic read plant/#")), rig.now);
        rig["d"].loses_connection();
        CHECK(watcher.takes() == (is_revoked ? "" : "PUBLISH plant/x gone"));
    }
    CHECK(rig.log.count("will_refused") == 1);
}

TEST_CASE("what waits in a session is judged again when it is sent: rights may be others by then") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    logged_in(rig, "c", "a", lasting).subscribes("plant/#", qos1).disconnects();
    Client& writer = logged_in(rig, "writer", "b");
    CHECK(writer.publishes("plant/x", "1", qos1) == "success");
    CHECK(writer.publishes("plant/y", "2", qos2) == "success");
    rig.shard->set_policy(snapshot_of(policy("ab", "user a\ntopic read plant/y\nuser b\ntopic write #")), rig.now);
    rig["c"].tries_to_connect(as("a", "pa", lasting));
    check_passwords(rig);
    CHECK(rig["c"].takes() == "CONNACK success present | PUBLISH plant/y 2 q1#2");
    CHECK(rig.counters().dropped_not_allowed == 1);
}

TEST_CASE("another user who may take over a client id gets nothing of the session that he may not read") {
    Rig rig;
    auth::Policy unbound = policy("ab", rules);
    unbound.binds_sessions = false;
    rig.shard->set_policy(snapshot_of(std::move(unbound)), rig.now);
    logged_in(rig, "c", "a", lasting).subscribes("plant/#", qos1).disconnects();
    logged_in(rig, "writer", "b").publishes("plant/x", "1", qos1);
    rig["c"].tries_to_connect(as("b", "pb", lasting));
    check_passwords(rig);
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig["writer"].publishes("plant/x", "2", qos1);
    CHECK(rig["c"].takes().empty());
}

TEST_CASE("new rules hold at once: users gone and passwords changed end connections, the others stay") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("abc", "")), rig.now);
    logged_in(rig, "a", "a").subscribes("x");
    logged_in(rig, "b", "b");
    logged_in(rig, "c", "c");
    rig["nobody"].connects().subscribes("x");
    auth::Policy next = policy("ab", "topic read public/#\nuser a\ntopic x\nuser b\ntopic x");
    const std::string line = "b:" + to_text(auth::hash_password(as_bytes("new"), as_bytes("salt"), 1));
    const std::string other = "a:" + to_text(auth::hash_password(as_bytes("pa"), as_bytes("salt"), 1));
    next.passwords = std::move(*auth::PasswordFile::parse(line + "\n" + other));
    rig.shard->set_policy(snapshot_of(std::move(next)), rig.now);
    rig.settle();
    CHECK(rig["a"].takes().empty());
    CHECK(rig["b"].takes() == "DISCONNECT administrative_action");
    CHECK(rig["c"].takes() == "DISCONNECT administrative_action");
    CHECK(rig["nobody"].takes() == "DISCONNECT not_authorized");
    CHECK(rig["a"].publishes("x", "1", qos1) == "success");
    CHECK(rig["a"].takes() == "PUBLISH x 1");
}

TEST_CASE("or a subscription that has become forbidden ends quietly") {
    Rig rig;
    rig["c"].connects().subscribes("x").subscribes("y").subscribes("$share/g/x");
    auth::Policy next = policy("", "topic y");
    next.on_revocation = auth::Revocation::unsubscribe;
    rig.shard->set_policy(snapshot_of(std::move(next)), rig.now);
    rig.settle();
    CHECK(rig["c"].takes().empty());
    CHECK(rig.metrics().subscriptions == 1);
    CHECK(rig["c"].publishes("y", "1", qos1) == "success");
    CHECK(rig["c"].takes() == "PUBLISH y 1");
    rig.shard->set_policy(snapshot_of({}), rig.now);
    CHECK(rig["c"].publishes("z", "1", qos1) == "no_matching_subscribers");
}

TEST_CASE("a password that was changed while it was being checked does not count") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    rig["c"].tries_to_connect(as("a", "pa"));
    const auto check = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
    rig.shard->set_policy(snapshot_of(policy("b", "")), rig.now);
    rig.shard->on_login_checked(check->number, auth::carry_out(check->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
    CHECK(rig["c"].takes() == "CONNACK bad_user_name_or_password");
}

TEST_CASE("5.0 table 3-13: a connection whose login is valid no longer ends with 0xA0, whatever it sends meanwhile") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    for (const auto& [name, version] : {std::pair{"five", v5}, {"three", v311}}) {
        rig[name].tries_to_connect(as("a", "pa", {.version = version, .keep_alive = 4}));
        const auto task = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
        REQUIRE(task);
        auth::LoginOutcome outcome = auth::carry_out(task->check, auth::earliest_plausible_time);
        outcome.valid_for = 10s;
        rig.shard->on_login_checked(task->number, std::move(outcome), rig.now);
        rig.settle();
        CHECK(rig[name].takes() == "CONNACK success");
    }
    const std::string_view ping("\xC0\0", 2);
    for (int i = 0; i < 3; ++i) {
        rig.passes(3s);
        rig["five"].sends(ping);
        rig["three"].sends(ping);
        CHECK(rig["five"].takes() == "PINGRESP");
        CHECK(rig["three"].takes() == "PINGRESP");
    }
    rig.passes(1s);
    CHECK(rig["five"].takes() == "DISCONNECT maximum_connect_time");
    CHECK_FALSE(rig["five"].is_open());
    CHECK_FALSE(rig["three"].is_open());
    CHECK(rig.counters().protocol_errors == 0);
}

TEST_CASE("whom nobody could check is told so, and has not failed") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("a", "")), rig.now);
    for (int i = 0; i < 30; ++i) {
        rig["c"].tries_to_connect(as("a", "pa"));
        const auto task = rig.shard->take_login_task(auth::Carrier::worker, rig.now);
        REQUIRE(task);
        rig.shard->on_login_checked(task->number, {ReasonCode::server_unavailable, "nobody answers", {}, {}}, rig.now);
        rig.settle();
        CHECK(rig["c"].takes() == "CONNACK server_unavailable");
    }
    CHECK(rig.log.count("login_blocked") == 0);
}

TEST_CASE("whom TLS has proven needs no password, is judged by that name, and stays when users change") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(policy("ab", rules)), rig.now);
    Wish wish = as("b", "wrong");
    wish.proven = "a";
    rig["c"].tries_to_connect(wish);
    CHECK(rig["c"].takes() == "CONNACK success");
    CHECK(rig["c"].publishes("plant/x", "1", qos1) == "no_matching_subscribers");
    CHECK(rig["c"].publishes("public/x", "1", qos1) == "not_authorized");
    rig.shard->set_policy(snapshot_of(policy("b", rules)), rig.now);
    rig.settle();
    CHECK(rig["c"].is_open());
}

// Whatever the rules and the filters are, nobody gets what he may not read.
TEST_CASE("property: delivered is what is matched and allowed, live and retained") {
    Rng rng(3);
    const char* filters[] = {"#", "+", "a/#", "a/+", "+/b", "a/b", "b", "+/+/c", "a/b/c", "b/#", "a/+/c", "$share/g/#"};
    const char* topics[] = {"a", "b", "a/b", "a/c", "b/b", "a/b/c", "b/b/c", "a/b/c/d"};
    const char* words[] = {"read", "read", "deny", "write"};
    for (int round = 0; round < 60; ++round) {
        std::string text = "user b\ntopic write #\n";
        std::vector<std::pair<std::string, std::string>> mine;  // word, filter; in this order denials come first
        for (std::uint64_t i = 0, count = rng.below(6); i < count; ++i)
            mine.emplace_back(words[rng.below(4)], filters[rng.below(11)]);
        text += "user a\n";
        for (const auto& [word, filter] : mine) text += "topic " + word + " " + filter + "\n";
        CAPTURE(text);
        const auto may_read = [&](std::string_view topic) {
            const auto says = [&](std::string_view word) {
                return std::ranges::any_of(
                    mine, [&](const auto& rule) { return rule.first == word && topic::matches(rule.second, topic); });
            };
            return !says("deny") && says("read");
        };
        Rig rig;
        rig.shard->set_policy(snapshot_of(policy("ab", text)), rig.now);
        Client& writer = logged_in(rig, "writer", "b");
        for (const char* topic : topics) writer.publishes(topic, "r", qos0, true);
        Client& reader = logged_in(rig, "reader", "a");
        std::vector<std::string> granted;
        for (int i = 0; i < 3; ++i) {
            const std::string filter = filters[rng.below(12)];
            const std::string answer = reader.answer_to_subscribe(filter);
            const std::string inner = filter.starts_with("$share/") ? "#" : filter;
            const bool could_bring = std::ranges::any_of(
                topics, [&](const char* topic) { return topic::matches(inner, topic) && may_read(topic); });
            if (answer.ends_with(" 135")) CHECK_FALSE(could_bring);
            if (!answer.ends_with(" 135")) granted.push_back(inner);
        }
        for (const std::string& got : reader.waiting()) {
            const std::string topic = got.substr(8, got.find(' ', 8) - 8);
            CHECK(may_read(topic));
        }
        reader.forgets();
        for (const char* topic : topics) {
            writer.publishes(topic, "l");
            const bool is_wanted =
                std::ranges::any_of(granted, [&](const auto& f) { return topic::matches(f, topic); });
            CHECK((reader.takes().find("PUBLISH") != std::string::npos) == (is_wanted && may_read(topic)));
        }
    }
}

}  // namespace
}  // namespace ledge::broker
