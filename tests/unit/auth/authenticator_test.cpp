#include "ledge/auth/authenticator.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ledge/auth/text_file.hpp"

namespace ledge::auth {
namespace {

using wire::ReasonCode;

TEST_CASE("without a password file, where anonymous clients are allowed everybody is, elsewhere nobody") {
    const Policy policy;
    LoginRequest question{{}, {}, true};
    CHECK(answer(policy, question).code == ReasonCode::success);
    question.user_name = "u";
    CHECK(answer(policy, question).code == ReasonCode::success);
    question.password = as_bytes("p");
    CHECK(answer(policy, question).code == ReasonCode::success);
    CHECK_FALSE(answer(policy, question).check);
    question.is_anonymous_allowed = false;
    CHECK(answer(policy, question).code == ReasonCode::bad_user_name_or_password);
    question.user_name.reset();
    CHECK(answer(policy, question).code == ReasonCode::not_authorized);
}

TEST_CASE("with one, who gives a name must prove it; an unknown one costs a hash too and stays wrong") {
    Policy policy;
    const std::string text = with_password("", "u", hash_password(as_bytes("p"), as_bytes("salt"), 1));
    policy.passwords = std::move(*PasswordFile::parse(text));
    for (const bool is_anonymous_allowed : {false, true}) {
        const LoginAnswer known = answer(policy, {"u", as_bytes("p"), is_anonymous_allowed});
        REQUIRE(known.check);
        const LoginOutcome outcome = carry_out(*known.check, earliest_plausible_time);
        CHECK(outcome.code == ReasonCode::success);
        CHECK(outcome.identity.user == "u");
        CHECK(is_still_proven(policy, outcome.identity));
        CHECK(carry_out(*answer(policy, {"u", as_bytes("q"), is_anonymous_allowed}).check, earliest_plausible_time)
                  .code == ReasonCode::bad_user_name_or_password);
        const LoginAnswer unknown = answer(policy, {"v", as_bytes("p"), is_anonymous_allowed});
        REQUIRE(unknown.check);
        CHECK(carry_out(*unknown.check, earliest_plausible_time).code == ReasonCode::bad_user_name_or_password);
        CHECK(unknown.code == ReasonCode::bad_user_name_or_password);
        const LoginAnswer anonymous = answer(policy, {{}, {}, is_anonymous_allowed});
        CHECK_FALSE(anonymous.check);
        CHECK(anonymous.code == (is_anonymous_allowed ? ReasonCode::success : ReasonCode::not_authorized));
    }
    policy.passwords = std::move(*PasswordFile::parse(""));
    CHECK_FALSE(answer(policy, {"u", as_bytes("p"), true}).check);
    CHECK(answer(policy, {"u", as_bytes("p"), true}).code == ReasonCode::bad_user_name_or_password);
}

TEST_CASE("a new password is another credential") {
    const PasswordHash one = hash_password(as_bytes("p"), as_bytes("salt"), 1);
    CHECK(credential_of(one) == credential_of(one));
    CHECK(credential_of(one) != credential_of(hash_password(as_bytes("q"), as_bytes("salt"), 1)));
}

TEST_CASE("a proof holds as long as what it was held against; without a name or by TLS nothing is held against") {
    Policy policy;
    const PasswordHash hash = hash_password(as_bytes("p"), as_bytes("salt"), 1);
    policy.passwords = std::move(*PasswordFile::parse(with_password("", "u", hash)));
    Identity identity;
    CHECK(is_still_proven(policy, identity));
    identity.user = "x";
    identity.proof = Proof::tls;
    CHECK(is_still_proven(policy, identity));
    identity.proof = Proof::password;
    CHECK_FALSE(is_still_proven(policy, identity));
    identity.user = "u";
    CHECK_FALSE(is_still_proven(policy, identity));
    identity.credential = credential_of(hash);
    CHECK(is_still_proven(policy, identity));
    policy.passwords.reset();
    CHECK_FALSE(is_still_proven(policy, identity));
}

TEST_CASE("the trace of SASL ANONYMOUS is at most 255 characters of UTF-8 and gives no rights") {
    CHECK(answer_anonymous("", true) == ReasonCode::success);
    CHECK(answer_anonymous("sensor 7, cellar", true) == ReasonCode::success);
    CHECK(answer_anonymous("sensor", false) == ReasonCode::not_authorized);
    CHECK(answer_anonymous(std::string(255, 'x'), true) == ReasonCode::success);
    CHECK(answer_anonymous(std::string(256, 'x'), true) == ReasonCode::not_authorized);
    CHECK(answer_anonymous(std::string(1021, 'x'), true) == ReasonCode::not_authorized);
    CHECK(answer_anonymous("\xC0\x80", true) == ReasonCode::not_authorized);
    std::string umlauts;
    for (int i = 0; i < 255; ++i) umlauts += "\xC3\xBC";
    CHECK(answer_anonymous(umlauts, true) == ReasonCode::success);
    CHECK(answer_anonymous(umlauts + "x", true) == ReasonCode::not_authorized);
}

}  // namespace
TEST_CASE("the rights of a client keep the policy alive that they judge by") {
    auto policy = std::make_shared<Policy>();
    policy->acl = std::move(*Acl::parse("user u\ntopic read a/#\n", "acl.conf"));
    const std::weak_ptr<const Policy> alive = policy;
    Identity identity;
    identity.user = "u";
    {
        const auto rights = rights_of(policy, identity, "id");
        policy.reset();  // the policy is replaced
        REQUIRE(rights);
        REQUIRE_FALSE(alive.expired());
        CHECK(rights->may_receive("a/x"));
        CHECK(rights->explain(rights->judge("a/x", Access::read)) == "acl.conf:2 (topic read a/#)");
    }
    CHECK(alive.expired());
}

}  // namespace ledge::auth
