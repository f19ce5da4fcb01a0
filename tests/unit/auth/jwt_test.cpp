// Tokens: the examples of RFC 7515, and every reason for which one is refused.
#include "ledge/auth/jwt.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base64url_text.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/auth/text_file.hpp"
#include "signature.hpp"

namespace ledge::auth {
namespace {

using std::chrono::seconds;
using test::to_base64url;
using wire::ReasonCode;

// RFC 7515 appendix A.1 to A.3: the claims of all three, valid until 2011.
constexpr std::string_view rfc_claims =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
constexpr std::string_view rfc_keys =
    R"({"keys": [
    {"kty":"oct", "kid":"a1",
     "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
    {"kty":"RSA", "kid":"a2", "alg":"RS256", "use":"sig", "e":"AQAB",
     "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ)"
    R"(S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS)"
    R"(-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia)"
    R"(GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
    {"kty":"EC", "kid":"a3", "crv":"P-256",
     "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

const std::string a1 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(rfc_claims) +
                       "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string a2 =
    "eyJhbGciOiJSUzI1NiJ9" + std::string(rfc_claims) +
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
    "xi12jzDwusC"
    "-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string a3 = "eyJhbGciOiJFUzI1NiJ9" + std::string(rfc_claims) +
                       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

constexpr WallTime now = earliest_plausible_time + seconds(1000);
const std::int64_t now_s = now.time_since_epoch().count();
const std::string secret(32, 's');

TokenRules rfc_rules() {
    TokenRules rules;
    rules.keys = parse_jwks(rfc_keys).value().keys;
    return rules;
}

TokenRules rules() {
    TokenRules result;
    result.keys = parse_key_file(secret).value().keys;
    return result;
}

std::string signed_as(std::string_view header, std::string_view claims, std::string_view key) {
    const std::string text = to_base64url(header) + "." + to_base64url(claims);
    return text + "." + to_base64url(as_text(hmac_sha256(as_bytes(key), as_bytes(text))));
}

constexpr std::string_view hs256 = R"({"alg":"HS256"})";

/// Claims with what every token needs, and `more`, which begins with a comma.
std::string claims(std::string_view more = "", std::int64_t expiry = now_s + 60, std::string_view subject = "u") {
    return R"({"sub":")" + std::string(subject) + R"(","exp":)" + std::to_string(expiry) + std::string(more) + "}";
}

LoginOutcome outcome_of(const TokenRules& by, std::string_view token, std::optional<std::string> user = {},
                        WallTime at = now) {
    return check_token(by, as_bytes(token), user, at);
}

/// Why a token with these claims is refused; "" when it is not.
std::string fault(std::string_view text, const TokenRules& by = rules(), std::optional<std::string> user = {}) {
    const LoginOutcome outcome = outcome_of(by, signed_as(hs256, text, secret), std::move(user));
    CHECK(outcome.code == (outcome.reason.empty() ? ReasonCode::success : ReasonCode::not_authorized));
    return outcome.reason;
}

TEST_CASE("[RFC7515-A.1] [RFC7515-A.2] [RFC7515-A.3] the signatures are right, which is why the date is looked at") {
    for (const std::string& token : {a1, a2, a3}) {
        CHECK(looks_like_token(as_bytes(token)));
        CHECK(outcome_of(rfc_rules(), token).reason == "the token has expired");
        for (const std::size_t at : {std::size_t{45}, token.size() - 3, token.size() - 30}) {
            std::string other = token;
            other[at] = other[at] == 'A' ? 'B' : 'A';
            CHECK(outcome_of(rfc_rules(), other).reason == "the signature of the token is wrong");
            CHECK(outcome_of(rfc_rules(), other).code == ReasonCode::bad_user_name_or_password);
        }
    }
}

TEST_CASE("a token that is accepted names the user, and for how long") {
    const LoginOutcome outcome = outcome_of(rules(), signed_as(hs256, claims(), secret));
    CHECK(outcome.code == ReasonCode::success);
    CHECK(outcome.identity.user == "u");
    CHECK(outcome.identity.proof == Proof::token);
    CHECK(outcome.valid_for == seconds(60 + 30));  // the leeway
    CHECK_FALSE(outcome.identity.granted);
}

TEST_CASE("[RFC8725-3.1] the algorithm belongs to the key: no token chooses another one") {
    const TokenRules by = rfc_rules();
    const std::string unknown = "the broker does not know the key of the token";
    const std::string not_taken = "the token uses an unsupported algorithm; supported are HS256, RS256 and ES256";
    for (const char* none :
         {"none", "None", "NONE", "nOnE", "HS384", "RS512", "PS256", "ES384", "EdDSA", "", "hs256"}) {
        const std::string header = R"({"alg":")" + std::string(none) + R"("})";
        CHECK(outcome_of(by, to_base64url(header) + "." + to_base64url(claims()) + ".").reason == not_taken);
        CHECK(outcome_of(by, signed_as(header, claims(), secret)).reason == not_taken);
    }
    CHECK(outcome_of(by, to_base64url("{}") + "." + to_base64url(claims()) + ".").reason == not_taken);
    CHECK(outcome_of(by, to_base64url(R"({"alg":["HS256"]})") + "." + to_base64url(claims()) + ".").reason ==
          not_taken);
    // A public key as the secret of HS256.
    TokenRules public_only = by;
    public_only.keys.erase(public_only.keys.begin());
    for (const TokenKey& key : public_only.keys)
        CHECK(outcome_of(public_only, signed_as(hs256, claims(), as_text(key.material.bytes()))).reason == unknown);
    // "kid" of a key for another algorithm.
    CHECK(outcome_of(by, signed_as(R"({"alg":"HS256","kid":"a2"})", claims(), secret)).reason == unknown);
    CHECK(outcome_of(by, signed_as(R"({"alg":"HS256","kid":"other"})", claims(), secret)).reason == unknown);
    // A key that the token brings along, or a place where to get one.
    const std::string own =
        R"({"alg":"HS256","jwk":{"kty":"oct","k":")" + to_base64url(secret) + R"("},"jku":"http://x/"})";
    CHECK(outcome_of(by, signed_as(own, claims(), secret)).reason == "the signature of the token is wrong");
}

TEST_CASE("an ES256 signature of zeros, or of another length, is wrong") {
    const std::string text = to_base64url(R"({"alg":"ES256"})") + "." + to_base64url(claims());
    for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 72U}) {
        for (const char byte : {'\0', '\1', '\xFF'})
            CHECK(outcome_of(rfc_rules(), text + "." + to_base64url(std::string(size, byte))).reason ==
                  "the signature of the token is wrong");
    }
}

TEST_CASE("what is no token is refused before anything is computed") {
    const std::string not_one = "the password is not a token";
    for (const char* text : {"", ".", "..", "...", "a.b", "a.b.c", "e30.e30.e30.e30", "!!.e30.e30", "e30=.e30.e30"})
        CHECK(outcome_of(rules(), text).reason == not_one);
    CHECK(outcome_of(rules(), to_base64url(R"(["alg"])") + ".e30.").reason == not_one);
    CHECK(outcome_of(rules(), to_base64url(R"({"alg":"HS256"} )" + std::string(1, '\xFF')) + ".e30.").reason ==
          not_one);
    const std::string deep = R"({"alg":"HS256","x":)" + std::string(9, '[') + std::string(9, ']') + "}";
    CHECK(outcome_of(rules(), to_base64url(deep) + ".e30.").reason == not_one);
    CHECK(outcome_of(rules(), std::string(TokenRules::token_bytes_max + 1, 'e')).reason == "the token is too long");
    CHECK(outcome_of(rules(), signed_as(R"({"alg":"HS256","crit":["exp"]})", claims(), secret)).reason ==
          "the token requires an extension that the broker does not support (crit)");
    CHECK(fault("[]") == "the claims of the token are not a JSON object");
    CHECK(fault("x") == "the claims of the token are not a JSON object");
    for (const char* password : {"", "secret", "ey", "ey.", "ey...", "a.b.c"})
        CHECK_FALSE(looks_like_token(as_bytes(password)));
}

TEST_CASE("[RFC7519-4.1.4] [RFC7519-4.1.5] beginning and end, with leeway") {
    const std::string expired = "the token has expired";
    CHECK(fault(claims("", now_s - 29)).empty());
    CHECK(fault(claims("", now_s - 30)) == expired);
    CHECK(fault(claims("", 0)) == expired);
    CHECK(fault(claims("", -1)) == expired);
    CHECK(fault(claims("", std::numeric_limits<std::int64_t>::max())).empty());
    CHECK(fault(R"({"sub":"u","exp":1e300})").empty());
    CHECK(fault(R"({"sub":"u","exp":-1e300})") == expired);
    for (const char* none : {R"({"sub":"u"})", R"({"sub":"u","exp":"2099"})", R"({"sub":"u","exp":null})"})
        CHECK(fault(none) == "the token has no expiry time (exp)");
    CHECK(fault(claims(R"(,"nbf":)" + std::to_string(now_s + 30))).empty());
    CHECK(fault(claims(R"(,"nbf":)" + std::to_string(now_s + 31))) == "the token is not valid yet (nbf)");
    CHECK(fault(claims(R"(,"nbf":1e300)")) == "the token is not valid yet (nbf)");
    CHECK(fault(claims(R"(,"nbf":"soon")")) == "the token has a start time that is not a number (nbf)");
}

TEST_CASE("[RFC7519-4.1.1] [RFC7519-4.1.3] issuer and audience") {
    TokenRules by = rules();
    CHECK(fault(claims(R"(,"iss":"x")"), by).empty());
    CHECK(fault(claims(R"(,"aud":"x")"), by) ==
          "the token is for an audience (aud), but the broker has no audience configured");
    by.issuer = "i";
    by.audience = "a";
    CHECK(fault(claims(R"(,"iss":"i","aud":"a")"), by).empty());
    CHECK(fault(claims(R"(,"iss":"i","aud":["b","a"])"), by).empty());
    for (const char* other : {R"(,"aud":"a")", R"(,"iss":"I","aud":"a")", R"(,"iss":["i"],"aud":"a")"})
        CHECK(fault(claims(other), by) == "the token is from another issuer (iss)");
    for (const char* other : {R"(,"iss":"i")", R"(,"iss":"i","aud":"b")", R"(,"iss":"i","aud":["a",1])"})
        CHECK(fault(claims(other), by) == "the token is for another audience (aud)");
}

TEST_CASE("a clock that has not been set refuses, as the broker's fault and not the client's") {
    const std::string token = signed_as(hs256, claims(), secret);
    const LoginOutcome outcome = outcome_of(rules(), token, {}, earliest_plausible_time - seconds(1));
    CHECK(outcome.code == ReasonCode::server_unavailable);
    CHECK(outcome.reason.find("clock") != std::string::npos);
    CHECK(outcome_of(rules(), token + "A", {}, WallTime()).code == ReasonCode::bad_user_name_or_password);
}

TEST_CASE("the user: from the claim, and what CONNECT says has to agree if that is wanted") {
    TokenRules by = rules();
    const std::string another = "the user name is not that of the token";
    CHECK(fault(claims(), by, "u").empty());
    CHECK(fault(claims(), by, "").empty());
    CHECK(fault(claims(), by, "v") == another);
    by.must_match_user_name = false;
    CHECK(fault(claims(), by, "v").empty());
    for (const char* subject : {"", "a\\u0000b", "a\\nb"})
        CHECK(fault(claims("", now_s + 60, subject), by) == "the token names no user (sub)");
    by.user_claim = "device";
    CHECK(fault(claims(), by) == "the token names no user (device)");
    CHECK(fault(claims(R"(,"device":7)"), by) == "the token names no user (device)");
    CHECK(fault(claims(R"(,"device":"d")"), by).empty());
}

TEST_CASE("roles: one, several, or none") {
    const auto roles = [](std::string_view more) {
        return outcome_of(rules(), signed_as(hs256, claims(more), secret)).identity.roles;
    };
    CHECK(roles("").empty());
    CHECK(roles(R"(,"roles":"a")") == std::vector<std::string>{"a"});
    CHECK(roles(R"(,"roles":["a","b"])") == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(fault(claims(R"(,"roles":{"a":1})")).empty());
    CHECK_FALSE(fault(claims(R"(,"roles":["a",1])")).empty());
    CHECK_FALSE(fault(claims(R"(,"roles":[""])")).empty());
    std::string many = R"(,"roles":["a")";
    for (std::size_t i = 0; i < TokenRules::roles_max; ++i) many += R"(,"a")";
    CHECK_FALSE(fault(claims(many + "]")).empty());
}

TEST_CASE("a role of a token has what the ACL gives to it; a role that the ACL does not have means nothing") {
    AclBuilder builder("acl.toml", Acl::Form::toml);
    AclRule rule;
    rule.filter = "a/#";
    CHECK(builder.add(builder.role("operator"), rule).empty());
    Policy policy;
    policy.acl = builder.finish();
    for (const auto& [role, is_allowed] : {std::pair{"operator", true}, {"stranger", false}}) {
        const std::string more = R"(,"roles":[")" + std::string(role) + R"("])";
        const LoginOutcome outcome = outcome_of(rules(), signed_as(hs256, claims(more), secret));
        const auto rights = rights_of(std::make_shared<Policy>(policy), outcome.identity, "id");
        CHECK(rights->may_publish("a/x") == is_allowed);
        CHECK_FALSE(rights->may_publish("b"));
    }
}

TEST_CASE("the acl of a token is all that it grants, and what is not understood in it refuses the token") {
    LoginOutcome outcome =
        outcome_of(rules(), signed_as(hs256, claims(R"(,"acl":{"pub":["a/%c/#"],"sub":["b/+"],"all":["c"]})"), secret));
    REQUIRE(outcome.identity.granted);
    const auto rights = rights_of(std::make_shared<Policy>(), outcome.identity, "id");
    REQUIRE(rights);
    CHECK(rights->may_publish("a/id/x"));
    CHECK_FALSE(rights->may_publish("a/other/x"));
    CHECK_FALSE(rights->may_receive("a/id/x"));
    CHECK(rights->may_receive("b/x"));
    CHECK_FALSE(rights->may_publish("b/x"));
    CHECK(rights->may_publish("c"));
    CHECK(rights->may_receive("c"));
    CHECK_FALSE(rights->may_receive("d"));
    CHECK(rights->explain(rights->judge("b/x", Access::read)) == "acl of the token:2 (subscribe b/+)");
    CHECK(rights->explain(rights->judge("d", Access::read)) == "acl of the token (no rule)");
    for (const char* acl : {"[]", "1", R"({"pub":"a"})", R"({"pub":[1]})", R"({"pub":["a/#/b"]})", R"({"deny":["a"]})",
                            R"({"pub":[""]})", R"({"sub":["$share/g/a"]})", R"({"pub":["a\u0000"]})"})
        CHECK(fault(claims(R"(,"acl":)" + std::string(acl))).starts_with("the token has an acl "));
    CHECK(outcome_of(rules(), signed_as(hs256, claims(R"(,"acl":{})"), secret)).identity.granted->size() == 0);
}

TEST_CASE("the broker's ACL can take from what a token grants, and adds nothing") {
    Policy policy;
    policy.acl = std::move(*Acl::parse("user u\ntopic deny a/secret\ntopic readwrite z\n", "acl.conf"));
    LoginOutcome outcome = outcome_of(rules(), signed_as(hs256, claims(R"(,"acl":{"all":["a/#"]})"), secret));
    const auto rights = rights_of(std::make_shared<Policy>(policy), outcome.identity, "id");
    CHECK(rights->may_receive("a/x"));
    CHECK_FALSE(rights->may_receive("a/secret"));
    CHECK_FALSE(rights->may_receive("z"));
    CHECK(rights->explain(rights->judge("a/secret", Access::read)) == "acl.conf:2 (topic deny a/secret)");
    CHECK(rights->explain(rights->judge("a/x", Access::read)) == "acl of the token:1 (allow a/#)");
    CHECK(rights->judge_subscription("a/+").is_allowed);
    CHECK_FALSE(rights->judge_subscription("z").is_allowed);
}

TEST_CASE("a proof by token holds until its key is gone, or tokens are judged otherwise") {
    Policy policy;
    policy.tokens = rules();
    const LoginOutcome outcome = outcome_of(*policy.tokens, signed_as(hs256, claims(), secret));
    CHECK(is_still_proven(policy, outcome.identity));
    policy.tokens->leeway = seconds(1);
    CHECK(is_still_proven(policy, outcome.identity));
    policy.tokens->audience = "x";
    CHECK_FALSE(is_still_proven(policy, outcome.identity));
    policy.tokens = rfc_rules();
    CHECK_FALSE(is_still_proven(policy, outcome.identity));
    policy.tokens->keys.push_back(rules().keys.front());
    CHECK(is_still_proven(policy, outcome.identity));
    policy.tokens.reset();
    CHECK_FALSE(is_still_proven(policy, outcome.identity));
}

}  // namespace
}  // namespace ledge::auth
