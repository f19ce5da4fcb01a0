// Tokens that are made here: the broker's own check accepts them, and SAS are those of another implementation.
#include "ledge/auth/token_maker.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base64url.hpp"
#include "base64url_text.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/jwt.hpp"
#include "signature.hpp"
#include "signing_keys.hpp"

namespace ledge::auth {
namespace {

using std::chrono::seconds;

constexpr WallTime made_at = earliest_plausible_time + seconds(1000);
const std::string shared_secret(32, 's');

struct Pair {
    TokenAlgorithm algorithm;
    std::string_view private_key;
    std::string_view public_key;
};

const Pair pairs[] = {{TokenAlgorithm::hs256, shared_secret, shared_secret},
                      {TokenAlgorithm::rs256, test::rsa_private, test::rsa_public},
                      {TokenAlgorithm::es256, test::ec_private, test::ec_public},
                      {TokenAlgorithm::es256, test::ec_private_sec1, test::ec_public}};

SigningKey key_of(TokenAlgorithm algorithm, std::string_view text) {
    auto key = parse_signing_key(algorithm, text);
    REQUIRE_MESSAGE(key.ok(), (key.ok() ? "" : key.error()));
    return std::move(*key);
}

TokenContent content() {
    TokenContent made;
    made.issuer = "gw";
    made.subject = "user-17";
    made.audience = "broker";
    return made;
}

TokenRules rules_of(std::string_view public_key) {
    TokenRules rules;
    rules.keys = parse_key_file(public_key).value().keys;
    rules.issuer = "gw";
    rules.audience = "broker";
    rules.leeway = seconds(0);
    return rules;
}

std::string made(const Pair& pair, const TokenContent& from = content(), std::uint64_t seed = 7) {
    return make_token(key_of(pair.algorithm, pair.private_key), from, made_at, seconds(600), seed).value();
}

/// A part of a token as text: 0 = the header, 1 = the claims.
std::string part(const std::string& token, int number) {
    std::string_view rest = token;
    if (number == 1) rest.remove_prefix(rest.find('.') + 1);
    const auto bytes = decode_base64url(rest.substr(0, rest.find('.')));
    REQUIRE(bytes.has_value());
    return std::string(as_text(*bytes));
}

std::string fault_of_key(TokenAlgorithm algorithm, std::string_view text) {
    const auto key = parse_signing_key(algorithm, text);
    return key.ok() ? "" : key.error();
}

}  // namespace

TEST_CASE("[RFC7518-3.1] a made token is accepted by the broker's check, for its user and its time") {
    for (const Pair& pair : pairs) {
        const std::string token = made(pair);
        CHECK(looks_like_token(as_bytes(token)));
        const LoginOutcome outcome = check_token(rules_of(pair.public_key), as_bytes(token), "user-17", made_at);
        CHECK(outcome.code == wire::ReasonCode::success);
        CHECK(outcome.reason == "");
        CHECK(outcome.identity.user == "user-17");
        CHECK(outcome.valid_for == seconds(600));
        const LoginOutcome late =
            check_token(rules_of(pair.public_key), as_bytes(token), "user-17", made_at + seconds(600));
        CHECK(late.reason == "the token has expired");
    }
}

TEST_CASE("a made token is refused by another key, and with one changed digit") {
    for (const Pair& pair : pairs) {
        const std::string token = made(pair);
        for (const std::size_t at : {std::size_t{3}, token.size() / 2, token.size() - 20}) {
            std::string other = token;
            other[at] = other[at] == 'A' ? 'B' : 'A';
            CHECK(check_token(rules_of(pair.public_key), as_bytes(other), {}, made_at).code !=
                  wire::ReasonCode::success);
        }
        for (const Pair& another : pairs) {
            if (another.algorithm == pair.algorithm) continue;
            CHECK(check_token(rules_of(another.public_key), as_bytes(token), {}, made_at).reason ==
                  "the broker does not know the key of the token");
        }
    }
    const std::string other_secret(32, 't');
    CHECK(check_token(rules_of(other_secret), as_bytes(made(pairs[0])), {}, made_at).reason ==
          "the signature of the token is wrong");
}

TEST_CASE("[RFC7515-4.1] header and claims are what was asked for, and nothing else") {
    CHECK(part(made(pairs[2]), 0) == R"({"alg":"ES256","typ":"JWT"})");
    CHECK(part(made(pairs[1]), 0) == R"({"alg":"RS256","typ":"JWT"})");
    TokenContent more = content();
    more.key_id = "gw-17";
    more.issuer.clear();
    more.audience.clear();
    more.others = {{"admin", true},
                   {"level", std::int64_t{-3}},
                   {"place", std::string("hall \"3\"")},
                   {"roles", std::vector<std::string>{"meter", "gateway"}}};
    const std::string token = made(pairs[0], more);
    CHECK(part(token, 0) == R"({"alg":"HS256","typ":"JWT","kid":"gw-17"})");
    const std::string now = std::to_string(made_at.time_since_epoch().count());
    const std::string end = std::to_string(made_at.time_since_epoch().count() + 600);
    CHECK(part(token, 1) == R"({"sub":"user-17","iat":)" + now + R"(,"exp":)" + end +
                                R"(,"admin":true,"level":-3,"place":"hall \"3\"","roles":["meter","gateway"]})");
    for (const char* name : {"iss", "sub", "aud", "iat", "exp"}) CHECK(is_reserved_claim(name));
    for (const char* name : {"nbf", "roles", "", "Exp"}) CHECK_FALSE(is_reserved_claim(name));
}

TEST_CASE("[RFC7518-3.4] an ES256 signature is r and s with 32 bytes each, and depends on no chance") {
    const SigningKey key = key_of(TokenAlgorithm::es256, test::ec_private);
    const TokenKey known = parse_key_file(test::ec_public).value().keys.front();
    for (int i = 0; i < 300; ++i) {  // in one of 128 signatures, r or s begins with a zero byte
        const std::string text = "text " + std::to_string(i);
        const auto signature = sign(key, text, 1);
        REQUIRE(signature.ok());
        CHECK(signature.value().size() == 64);
        if (i % 50 == 0) CHECK(is_signed_with(known, text, signature.value()));
    }
    CHECK(sign(key, "text", 1).value() == sign(key, "text", 2).value());
    const SigningKey rsa = key_of(TokenAlgorithm::rs256, test::rsa_private);
    CHECK(sign(rsa, "text", 1).value() == sign(rsa, "text", 2).value());
    CHECK(sign(rsa, "text", 1).value().size() == 256);
}

TEST_CASE("a key file with another content says what is wrong") {
    using enum TokenAlgorithm;
    const auto has = [](const std::string& text, std::string_view expected) {
        CAPTURE(text);
        CHECK(text.find(expected) != std::string::npos);
    };
    has(fault_of_key(es256, test::rsa_private), "has no EC key");
    has(fault_of_key(rs256, test::ec_private), "has no RSA key");
    has(fault_of_key(es256, test::ec_other_curve), "not on P-256");
    has(fault_of_key(es256, test::ec_public), "has a public key");
    has(fault_of_key(rs256, "text"), "no readable private key in PEM");
    has(fault_of_key(rs256, ""), "no readable private key in PEM");
    has(fault_of_key(rs256, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "remove its password");
    has(fault_of_key(es256, test::ec_private.substr(0, test::ec_private.size() / 2)), "no readable private key");
    has(fault_of_key(hs256, test::ec_private), "HS256 needs a shared secret");
    has(fault_of_key(hs256, "short"), "bits are allowed");
    CHECK(fault_of_key(hs256, shared_secret + "\r\n").empty());
    CHECK(as_text(key_of(hs256, shared_secret + "\n").material.bytes()) == shared_secret);
}

TEST_CASE("base64url of each length is what another encoder makes, and decodes to the same") {
    std::string text;
    for (int size = 0; size < 70; ++size, text += static_cast<char>(size * 37)) {
        CHECK(encode_base64url(as_bytes(text)) == test::to_base64url(text));
        CHECK(as_text(decode_base64url(encode_base64url(as_bytes(text))).value()) == text);
    }
}

TEST_CASE("shared access signatures are those that Python's hmac and urllib make") {
    const auto key = parse_sas_key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    REQUIRE(key.ok());
    const WallTime expiry{seconds(1'893'456'000)};
    CHECK(make_sas(key.value(), "example-hub.azure-devices.net/devices/gateway-17", "", expiry) ==
          "SharedAccessSignature sr=example-hub.azure-devices.net%2Fdevices%2Fgateway-17&sig="
          "j9REoJkBT9zR%2BLfCf9KKhdQsIuV%2BfGIcNOo5g8ZGNhY%3D&se=1893456000");
    CHECK(make_sas(key.value(), "0ne000/registrations/gw 17", "registration", expiry) ==
          "SharedAccessSignature sr=0ne000%2Fregistrations%2Fgw%2017&sig="
          "GVxnC%2Bp8F%2Bt%2BHtX5MQ78yajG1dkjFpo5vw%2FXby9tfs8%3D&se=1893456000&skn=registration");
    for (const char* text : {"", "\n", "no base64", "AAEC*w=="})
        CHECK(parse_sas_key(text).error().find("base64") != std::string::npos);
}

}  // namespace ledge::auth
