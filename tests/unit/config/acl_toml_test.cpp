#include "acl_toml.hpp"

#include <doctest/doctest.h>

#include "ledge/auth/rights.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

auth::Acl parsed(std::string_view text) {
    auto acl = read_acl_toml(text, "acl.toml");
    if (!acl) FAIL(acl.error().front().line());
    return std::move(*acl);
}

std::string problem_of(std::string_view text) {
    const auto acl = read_acl_toml(text, "f");
    REQUIRE_FALSE(acl.ok());
    return acl.error().front().line();
}

constexpr std::string_view example = R"([roles.operator]
publish = ["plant/+/set"]
subscribe = [
    "plant/#",
    "alarms/%u/#",
]
deny = ["plant/secret/#"]

[roles.device]
allow = ["devices/%u/%c/#"]
deny_publish = ["devices/%u/%c/config"]

[groups.shift]
users = ["ann", "bob"]
roles = ["operator"]

[users.ann]
roles = ["device"]
deny_subscribe = ["plant/9"]

[anonymous]
subscribe = ["public/#"]

[everybody]
subscribe = ["news", "$SYS/broker/uptime"]
)";

std::string allowed(const auth::Rights& rights, std::string_view topic) {
    return std::string(rights.may_receive(topic) ? "r" : "") + (rights.may_publish(topic) ? "w" : "");
}

}  // namespace

TEST_CASE("roles, groups, users, anonymous and everybody") {
    const auth::Acl acl = parsed(example);
    CHECK(acl.size() == 10);
    const auth::Rights ann(acl, "ann", "c1");
    const auth::Rights bob(acl, "bob", "c2");
    const auth::Rights eve(acl, "eve", "c3");
    const auth::Rights nobody(acl, {}, "c4");
    CHECK(allowed(ann, "plant/1") == "r");
    CHECK(allowed(ann, "plant/9").empty());
    CHECK(allowed(bob, "plant/9") == "r");
    CHECK(allowed(ann, "plant/1/set") == "rw");
    CHECK(allowed(ann, "plant/secret/x").empty());
    CHECK(allowed(ann, "devices/ann/c1/x") == "rw");
    CHECK(allowed(ann, "devices/ann/c1/config") == "r");
    CHECK(allowed(bob, "devices/bob/c2/x").empty());
    CHECK(allowed(bob, "alarms/bob/x") == "r");
    CHECK(allowed(bob, "alarms/ann/x").empty());
    CHECK(allowed(nobody, "public/x") == "r");
    CHECK(allowed(eve, "public/x").empty());
    for (const auth::Rights* rights : {&ann, &bob, &eve, &nobody}) CHECK(allowed(*rights, "news") == "r");
    CHECK(allowed(eve, "$SYS/broker/uptime") == "r");
    CHECK(eve.judge_subscription("#").is_allowed);
    CHECK_FALSE(eve.judge_subscription("plant/#").is_allowed);
}

TEST_CASE("roles of a token are those of the file; others mean nothing") {
    const auth::Acl acl = parsed(example);
    const std::string roles[] = {"operator", "unheard-of"};
    const auth::Rights eve(acl, "eve", "c", roles);
    CHECK(allowed(eve, "plant/1/set") == "rw");
    CHECK(allowed(eve, "plant/secret").empty());
    CHECK(allowed(eve, "alarms/eve") == "r");
}

TEST_CASE("a decision names file, line and section, in lists of several lines too") {
    const auth::Acl acl = parsed(example);
    const auth::Rights ann(acl, "ann", "c");
    const auto read = [&](const char* topic) { return ann.explain(ann.judge(topic, auth::Access::read)); };
    CHECK(read("plant/1") == "acl.toml:4 ([roles.operator] subscribe plant/#)");
    CHECK(read("alarms/ann/x") == "acl.toml:5 ([roles.operator] subscribe alarms/%u/#)");
    CHECK(read("plant/secret/x") == "acl.toml:7 ([roles.operator] deny plant/secret/#)");
    CHECK(read("plant/9") == "acl.toml:19 ([users.ann] deny_subscribe plant/9)");
    CHECK(read("news") == "acl.toml:25 ([everybody] subscribe news)");
    CHECK(read("else") == "acl.toml (no rule)");
}

TEST_CASE("names that cannot stand in a pattern: nothing from what has a denial by name, no grants by name") {
    const auth::Acl acl = parsed(example);
    const std::string device[] = {"device"};
    const auth::Rights odd(acl, "a+", "c", device);
    CHECK(allowed(odd, "devices/a+/c/x").empty());
    CHECK(allowed(odd, "news") == "r");  // says nothing by name
    const auth::Acl other = parsed("[everybody]\nallow = [\"d/#\"]\ndeny = [\"d/%c/x\"]\n");
    CHECK(allowed(auth::Rights(other, {}, "c"), "d/y") == "rw");
    CHECK(allowed(auth::Rights(other, {}, "c/d"), "d/y").empty());
}

TEST_CASE("mistakes have their line, and nothing of the file is taken") {
    CHECK(problem_of("[role.x]\n").starts_with("f:1: key \"role\" is unknown here; did you mean 'roles'?"));
    CHECK(problem_of("[roles.x]\npublsh = []\n")
              .starts_with("f:2: key \"publsh\" is unknown here; did you mean 'publish'?"));
    CHECK(problem_of("[roles.x]\nroles = [\"y\"]\n").starts_with("f:2: key \"roles\" is unknown here"));
    CHECK(problem_of("[roles.x]\npublish = \"a\"\n").starts_with("f:2: 'publish' must be a list of texts"));
    CHECK(problem_of("[roles.x]\npublish = [1]\n").starts_with("f:2: 'publish' must be a list of texts"));
    CHECK(problem_of("[roles.x]\npublish = [\"a\",\n  \"a/#/b\"]\n")
              .starts_with("f:3: the rule has no valid topic filter"));
    CHECK(problem_of("[roles.x]\nsubscribe = [\"$share/g/a\"]\n")
              .starts_with("f:2: the rule names a shared subscription"));
    CHECK(problem_of("[users.a]\nroles = [\n\"x\"]\n").starts_with("f:3: there is no role \"x\""));
    CHECK(problem_of("[groups.g]\nroles = [\"x\"]\n").starts_with("f:2: there is no role \"x\""));
    CHECK(problem_of("[groups.g]\nusers = [\"a:b\"]\n").starts_with("f:2: names an invalid user"));
    CHECK(problem_of("[groups.g]\npublish = [\"a\"]\n").starts_with("f:2: key \"publish\" is unknown here"));
    CHECK(problem_of("[users.\"a:b\"]\npublish = [\"a\"]\n").starts_with("f:2: names an invalid user"));
    CHECK(
        problem_of("[[roles]]\npublish = [\"a\"]\n").starts_with("f:1: 'roles' is not a section; write [roles.NAME]"));
    CHECK(problem_of("everybody = 1\n").starts_with("f:1: 'everybody' is not a section; write [everybody]"));
    CHECK(problem_of("[users.a.b]\npublish = [\"a\"]\n").starts_with("f:2: 'b' must be a list of texts"));
    CHECK(problem_of("[users.a]\npublish = [\"a\"\n").starts_with("f:"));
    CHECK(problem_of("[roles.x]\n[roles.x]\n").starts_with("f:2: not TOML"));
    CHECK(read_acl_toml("[a]\n[b]\n[c]\n", "f").error().size() == 3);
}

TEST_CASE("an empty file, an empty role and an empty list allow nothing") {
    for (const char* text : {"", "# nothing\n", "[roles.x]\n", "[users.u]\npublish = []\n", "[groups.g]\n"}) {
        const auth::Acl acl = parsed(text);
        CHECK(acl.size() == 0);
        CHECK(allowed(auth::Rights(acl, "u", "c"), "a").empty());
    }
    CHECK(parsed("[roles.x]\n[users.u]\nroles = [\"x\"]\n").size() == 0);
}
