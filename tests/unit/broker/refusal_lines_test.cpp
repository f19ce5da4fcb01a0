// "Why was client X refused?": each log line of a refusal names the client id, the user, the address and the rule or
// the key that was met.
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

auth::Policy one_user(std::string_view acl) {
    auth::Policy result;
    const std::string text = auth::with_password("", "ann", auth::hash_password(as_bytes("pw"), as_bytes("salt"), 1));
    result.passwords = std::move(*auth::PasswordFile::parse(text));
    if (!acl.empty()) result.acl = std::move(*auth::Acl::parse(acl, "acl"));
    return result;
}

void check_logins(Rig& rig) {
    while (const auto task = rig.shard->take_login_task(auth::Carrier::worker, rig.now))
        rig.shard->on_login_checked(task->number, auth::carry_out(task->check, auth::earliest_plausible_time), rig.now);
    rig.settle();
}

Wish as_ann(std::string_view password) {
    Wish wish;
    wish.user = "ann";
    wish.password = password;
    return wish;
}

Client& ann_connects(Rig& rig, Wish wish = as_ann("pw")) {
    rig["c"].tries_to_connect(wish);
    check_logins(rig);
    REQUIRE(rig["c"].takes().starts_with("CONNACK success"));
    return rig["c"];
}

/// Which of the names the last line of this event lacks.
std::string missing_in(const Rig& rig, std::string_view event, std::initializer_list<std::string_view> rest = {}) {
    const auto found = rig.log.last.find(event);
    if (found == rig.log.last.end()) return "the line";
    const std::string line = " " + found->second;
    std::string missing;
    std::vector<std::string_view> wanted = {" client_id=c", " user=ann", " address=192.0.2.1:1"};
    wanted.insert(wanted.end(), rest);
    for (const std::string_view word : wanted) {
        if (line.find(word) == std::string::npos) missing += std::string(word) + " in: " + line;
    }
    return missing;
}

TEST_CASE("a refused message names who sent it, and the rule") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(one_user("user ann\ntopic read a/#")), rig.now);
    CHECK(ann_connects(rig).publishes("b", "1", qos1) == "not_authorized");
    CHECK(missing_in(rig, "publish_refused", {" topic=b", " rule="}) == "");
}

TEST_CASE("a refused subscription names who asked for it, and the rule or the key of the limit") {
    ShardOptions options = plain_options();
    options.listeners[0].limits.subscriptions_max = 1;
    Rig rig(options);
    rig.shard->set_policy(snapshot_of(one_user("user ann\ntopic read a/#")), rig.now);
    Client& ann = ann_connects(rig);
    CHECK(ann.answer_to_subscribe("b") == "SUBACK 1 135");
    CHECK(missing_in(rig, "subscribe_refused", {" filter=b", " rule="}) == "");
    ann.subscribes("a/1");
    CHECK(ann.answer_to_subscribe("a/2").ends_with(" 151"));
    CHECK(missing_in(rig, "subscribe_refused", {" key=limits.subscriptions_max value=2 limit=1"}) == "");
}

TEST_CASE("a login that fails, or that is blocked or too late, names the client id and the user of CONNECT") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(one_user("")), rig.now);
    rig["c"].tries_to_connect(as_ann("wrong"));
    check_logins(rig);
    CHECK(missing_in(rig, "connection_refused", {" reason=bad_user_name_or_password"}) == "");
    CHECK(missing_in(rig, "login_failed") == "");
    // The login is never checked, so the connect timeout ends it.
    rig["c"].tries_to_connect(as_ann("pw"));
    rig.passes(60s);
    CHECK(missing_in(rig, "connection_refused", {" reason=connect_timeout"}) == "");
    for (int i = 0; i < 100 && rig.log.count("login_blocked") == 0; ++i) {
        rig["c"].tries_to_connect(as_ann("wrong"));
        check_logins(rig);
    }
    rig["c"].tries_to_connect(as_ann("pw"));
    check_logins(rig);
    CHECK(missing_in(rig, "connection_refused", {" detail=too many failed logins"}) == "");
}

TEST_CASE("a client that new rules disconnect, and a will that they deny, are named with the user") {
    Rig rig;
    rig.shard->set_policy(snapshot_of(one_user("user ann\ntopic readwrite a/#")), rig.now);
    Wish wish = as_ann("pw");
    wish.will = wire::Will{"a/will", as_bytes("gone"), qos0, false, {}};
    ann_connects(rig, wish).subscribes("a/1");
    rig.shard->set_policy(snapshot_of(one_user("user ann\ntopic read b/#")), rig.now);
    rig.settle();
    CHECK(missing_in(rig, "client_disconnected", {" by=server", " rule="}) == "");
    const std::string& will = rig.log.last["will_refused"];
    CHECK(will.find("client_id=c user=ann topic=a/will rule=") != std::string::npos);
}

}  // namespace
}  // namespace ledge::broker
