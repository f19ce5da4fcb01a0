// What the hook is told, and what its answers mean.
#include "ledge/auth/hook.hpp"

#include <doctest/doctest.h>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/hook_cache.hpp"
#include "ledge/auth/text_file.hpp"

namespace ledge::auth {
namespace {

using wire::ReasonCode;

HookQuestion question() { return {"u", Secret(as_bytes("p")), "c", "192.0.2.7", "lan"}; }

HookOptions keeping(std::uint32_t answers, Duration denied = 10s) {
    HookOptions options;
    options.cached_max = answers;
    options.cache_time_denied = denied;
    return options;
}

LoginOutcome answered(unsigned status, std::string_view body) { return read_hook_answer({}, question(), status, body); }

TEST_CASE("the hook is told who it is in JSON, whatever is in the names") {
    HookQuestion q = question();
    CHECK(to_json(q) == R"({"user":"u","password":"p","client_id":"c","address":"192.0.2.7","listener":"lan"})");
    q.user_name = "a\"b\\\n\x7F";
    q.password.reset();
    CHECK(to_json(q) ==
          "{\"user\":\"a\\\"b\\\\\\u000a\\u007f\",\"client_id\":\"c\",\"address\":\"192.0.2.7\","
          "\"listener\":\"lan\"}");
    q.password = Secret(as_bytes("\xFF"));
    CHECK_FALSE(to_json(q));
}

TEST_CASE("200 is a yes, with or without a body; 401 and 403 are a no") {
    for (const char* body : {"", " \r\n", "{}", R"({"other":1})"}) {
        const LoginOutcome outcome = answered(200, body);
        CHECK(outcome.code == ReasonCode::success);
        CHECK(outcome.identity.user == "u");
        CHECK(outcome.identity.proof == Proof::hook);
        CHECK_FALSE(outcome.valid_for);
    }
    const LoginOutcome rich = answered(200, R"({"user":"v","roles":["a","b"],"ttl_s":60})");
    CHECK(rich.identity.user == "v");
    CHECK(rich.identity.roles == std::vector<std::string>{"a", "b"});
    CHECK(rich.valid_for == 60s);
    for (const unsigned status : {401U, 403U})
        CHECK(answered(status, "{}").code == ReasonCode::bad_user_name_or_password);
}

TEST_CASE("everything else is no answer, and lets nobody in") {
    for (const unsigned status : {0U, 100U, 204U, 302U, 400U, 404U, 500U, 503U})
        CHECK(answered(status, "").code == ReasonCode::server_unavailable);
    for (const char* body : {"ok", "true", "[]", "{", R"({"user":""})", R"({"user":1})", R"({"user":"a\u0000"})",
                             R"({"roles":"a"})", R"({"roles":[1]})", R"({"ttl_s":0})", R"({"ttl_s":"60"})"})
        CHECK(answered(200, body).code == ReasonCode::server_unavailable);
}

TEST_CASE("who is asked: tokens are for the keys, known users for the file, the hook about everybody else") {
    Policy policy;
    policy.hook = HookOptions{};
    const auto check_of = [&policy](std::optional<std::string_view> user, std::optional<std::string_view> password) {
        LoginRequest q{user, {}, true, "c", "192.0.2.7:5000", "lan"};
        if (password) q.password = as_bytes(*password);
        return answer(policy, q).check;
    };
    const auto asked = check_of("u", "p");
    REQUIRE(asked);
    CHECK(carrier_of(*asked) == Carrier::hook);
    CHECK(std::get<HookQuestion>(*asked).address == "192.0.2.7");
    CHECK_FALSE(check_of({}, {}));
    CHECK(check_of({}, "p"));
    policy.passwords =
        std::move(*PasswordFile::parse(with_password("", "u", hash_password(as_bytes("p"), as_bytes("salt"), 1))));
    CHECK(std::holds_alternative<PasswordCheck>(*check_of("u", "p")));
    CHECK(std::holds_alternative<HookQuestion>(*check_of("v", "p")));
    CHECK(std::holds_alternative<HookQuestion>(*check_of("u2", "ey.a.b")));
    policy.tokens = TokenRules{};
    CHECK(std::holds_alternative<TokenCheck>(*check_of("u", "ey.a.b")));
    policy.hook.reset();
    policy.passwords.reset();
    CHECK_FALSE(check_of("u", "p"));
    CHECK(answer(policy, {"u", as_bytes("p"), true}).code == ReasonCode::bad_user_name_or_password);
    CHECK(answer(policy, {{}, as_bytes("p"), true}).code == ReasonCode::bad_user_name_or_password);
    CHECK(answer(policy, {{}, {}, true}).code == ReasonCode::success);
}

TEST_CASE("what the hook said is remembered for its time, for this question and this password only") {
    HookCache cache(HookCache::Key{1});
    cache.set_options(keeping(2, 5s));
    const Instant start{};
    CHECK_FALSE(cache.find(question(), start));
    cache.put(question(), answered(200, R"({"roles":["r"],"ttl_s":30})"), start);
    const auto known = cache.find(question(), start + 29s);
    REQUIRE(known);
    CHECK(known->code == ReasonCode::success);
    CHECK(known->identity.roles == std::vector<std::string>{"r"});
    CHECK(known->valid_for == 1s);
    CHECK_FALSE(cache.find(question(), start + 30s));
    for (int part = 0; part < 5; ++part) {
        HookQuestion other = question();
        if (part == 0) other.user_name = "x";
        if (part == 1) other.password = Secret(as_bytes("x"));
        if (part == 2) other.client_id = "x";
        if (part == 3) other.address = "x";
        if (part == 4) other.password.reset();
        CHECK_FALSE(cache.find(other, start));
    }
    HookQuestion denied = question();
    denied.user_name = "d";
    cache.put(denied, answered(401, ""), start);
    CHECK(cache.find(denied, start + 4s)->code == ReasonCode::bad_user_name_or_password);
    CHECK_FALSE(cache.find(denied, start + 5s));
    cache.set_options({});
    CHECK(cache.size() == 0);
}

TEST_CASE("the oldest answers go when there are too many, and what is put again is young") {
    HookCache cache(HookCache::Key{1});
    cache.set_options(keeping(3));
    const Instant start{};
    const auto numbered = [](int number) {
        HookQuestion q = question();
        q.client_id = std::to_string(number);
        return q;
    };
    for (int i = 0; i < 3; ++i) cache.put(numbered(i), answered(200, ""), start);
    for (int i = 0; i < 100; ++i) cache.put(numbered(0), answered(200, ""), start);
    cache.put(numbered(3), answered(200, ""), start);
    CHECK(cache.size() == 3);
    CHECK(cache.find(numbered(0), start));
    CHECK_FALSE(cache.find(numbered(1), start));
    CHECK(cache.find(numbered(3), start));
    cache.set_options(keeping(0));
    cache.put(numbered(0), answered(200, ""), start);
    CHECK(cache.size() == 0);
}

TEST_CASE("a proof by the hook holds as long as the hook is the same") {
    Policy policy;
    policy.hook = HookOptions{};
    const LoginOutcome outcome = answered(200, "");
    CHECK(is_still_proven(policy, outcome.identity));
    policy.hook->timeout = 1s;
    CHECK(is_still_proven(policy, outcome.identity));
    policy.hook->target = "/other";
    CHECK_FALSE(is_still_proven(policy, outcome.identity));
    policy.hook.reset();
    CHECK_FALSE(is_still_proven(policy, outcome.identity));
}

}  // namespace
}  // namespace ledge::auth
