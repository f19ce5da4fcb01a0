#include "explain.hpp"

#include <doctest/doctest.h>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/auth/text_file.hpp"

using namespace ledge;
using namespace ledge::daemon;

namespace {

auth::Policy policy(std::string_view users, std::string_view acl) {
    auth::Policy result;
    if (!users.empty()) {
        const auto hash = auth::hash_password(as_bytes("p"), as_bytes("salt"), 1);
        result.passwords = std::move(*auth::PasswordFile::parse(auth::with_password("", users, hash)));
    }
    if (!acl.empty()) result.acl = std::move(*auth::Acl::parse(acl, "acl"));
    return result;
}

}  // namespace

TEST_CASE("explain names the rule, or why none was asked") {
    const config::Command::Explain publish{"alice", "c", "publish", "a/b"};
    CHECK(explain(publish, auth::Policy{}).text == "allowed: there is no auth.acl_file, everybody may do everything\n");
    CHECK(explain(publish, policy("bob", "")).text ==
          "denied: user alice is not in the password file and cannot log in\n");
    const auth::Policy rules = policy("alice", "topic x\nuser alice\ntopic write a/#\ntopic read b/+");
    CHECK(explain(publish, rules).text == "allowed: acl:3 (topic write a/#)\n");
    CHECK(explain(publish, rules).is_allowed);
    CHECK(explain({"alice", "c", "receive", "a/b"}, rules).text == "denied: acl (no rule)\n");
    CHECK_FALSE(explain({"alice", "c", "receive", "a/b"}, rules).is_allowed);
    CHECK(explain({"alice", "c", "subscribe", "#"}, rules).text ==
          "allowed: acl:4 (topic read b/+)\nnote: each message is judged by its own topic when it is delivered\n");
    CHECK(explain({"alice", "c", "publish", "$SYS/x"}, rules).text == "denied: $SYS/ belongs to the broker\n");
    const auth::Policy nameless = policy("", "topic x\nuser alice\ntopic write a/#");
    CHECK(explain(publish, nameless).text ==
          "denied: acl (no rule)\n"
          "note: without auth.password_file a user name proves nothing; the client counts as anonymous\n");
}

TEST_CASE("explain says that rules do not concern bridges, if there are both") {
    std::vector<config::BridgeSettings> bridges(2);
    bridges[0].name = "cloud";
    bridges[1].name = "office";
    const config::Command::Explain publish{"alice", "c", "publish", "a/b"};
    CHECK(
        explain(publish, policy("alice", "user alice\ntopic write a/#"), bridges).text ==
        "allowed: acl:2 (topic write a/#)\n"
        "note: the rules do not concern the bridges (cloud, office): a bridge is a part of the broker, and its routes "
        "say what it carries\n");
    CHECK(explain(publish, auth::Policy{}, bridges).text.find("bridges") == std::string::npos);
    CHECK(rules_beside({}).empty());
}
