// Key files: what is taken, and what is said about the rest.
#include "ledge/auth/jwks.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge::auth {
namespace {

constexpr std::string_view ec_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2pqSpl774Hu0upNj2X9Z80yaDV3O\n"
    "pB1D0moHoUVMD4/9J0CD2BiZWB1pujEBCOlxDJZVGggSsOO7fpwEusirKw==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view secp256k1_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEk7NWpfIhazkZDXFE/ca7W8JrcZVuYNWL\n"
    "8K8J7P4aDLwzdqc/motPrI2qx6X8OaHsOtaNKLE0nNFGVtmyhXCMKw==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view rsa_1024_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDQuvfCvF+CKPz64wHmnAruJWl4\n"
    "LXDugBmEeK7ZV5atssUQul3Tw/Mpr6xwVhJCT5jWOmg3/B/sFnP4F4fAZivR0DDe\n"
    "T5H6UJOaX43jYuddPbe06ZkpsLHI+e9yGpe4agDBRjHWePl8u/s5x3bijNHzrA6q\n"
    "+XquAMtR6F6HwKLp7wIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view rsa_2048_pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuy5sDYXee9g0vW6jnBQq\n"
    "TRAHUEZFEvxlffE2QPsOkJ7qsFcOdZ2kYBEM9UH8OF1VwkqQf+csuqdwWrW8I8D9\n"
    "NgUMVA43YQKp3x6O/takihwovra5+isEmOR7Qt7rVGCx6+a7or5Xx2F6pKluDYfV\n"
    "/RdFkO9cVtYPSjeeifjkKHgSw0iQ9Gyki1SRC8kpHml9sNzCZrj/XJPAqlNYB3D0\n"
    "9xVyImqjEO50uYO0wHN1QvsxI1kDq+USNcL6WMBoqqdmKuZLAyEFIimJsu4FSxXY\n"
    "6zvESzWmCQ6N4H8BTwcweQMw5wOS1OJ8SMEq5J4ROjOkZTRdzbuJTQRSNLyQdX/J\n"
    "6QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

constexpr std::string_view good = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                                  R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

/// The note about a key that stands beside a good one.
std::string note_of(const std::string& jwk) {
    const auto keys = parse_jwks(R"({"keys":[)" + jwk + "," + std::string(good) + "]}");
    REQUIRE(keys.ok());
    CHECK(keys.value().keys.size() == 1);
    REQUIRE(keys.value().notes.size() == 1);
    return keys.value().notes.front();
}

TEST_CASE("a public key in PEM is for the one algorithm of its kind") {
    const auto ec = parse_key_file(ec_pem);
    REQUIRE(ec.ok());
    CHECK(ec.value().keys.front().algorithm == TokenAlgorithm::es256);
    CHECK(ec.value().keys.front().material.bytes().size() == TokenKey::point_bytes);
    CHECK_FALSE(ec.value().has_secrets);
    const auto rsa = parse_key_file(rsa_2048_pem);
    REQUIRE(rsa.ok());
    CHECK(rsa.value().keys.front().algorithm == TokenAlgorithm::rs256);
    CHECK(rsa.value().keys.front().material.bytes().size() == 256);
}

TEST_CASE("keys of other kinds and sizes are refused with a sentence") {
    CHECK(parse_key_file(secp256k1_pem).error() == "has an EC key that is not on P-256");
    CHECK(parse_key_file(rsa_1024_pem).error() == "has an RSA modulus of 1024 bits; 2048 to 8192 bits are allowed");
    CHECK(parse_key_file("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").error().find("PEM") !=
          std::string::npos);
    CHECK(parse_key_file("-----BEGIN EC PRIVATE KEY-----\n").error().find("private key") != std::string::npos);
}

TEST_CASE("[RFC7518-3.2] a shared secret has at least 256 bits; the end of a line is none of it") {
    const std::string secret(32, 's');
    for (const char* end : {"", "\n", "\r\n"}) {
        const auto keys = parse_key_file(secret + end);
        REQUIRE(keys.ok());
        CHECK(as_text(keys.value().keys.front().material.bytes()) == secret);
        CHECK(keys.value().has_secrets);
    }
    CHECK(parse_key_file(std::string(31, 's') + "\n").error() ==
          "has a secret of 248 bits; 256 to 8192 bits are allowed");
    CHECK(parse_key_file("").error() == "has a secret of 0 bits; 256 to 8192 bits are allowed");
    CHECK_FALSE(parse_key_file(std::string(1025, 's')).ok());
}

TEST_CASE("[RFC7517-5] keys that are of no use are left out with a note") {
    CHECK(note_of(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})") ==
          "key 1 is of an unsupported kind (\"kty\"); supported are oct, RSA and EC");
    CHECK(note_of("{}") == "key 1 is of an unsupported kind (\"kty\"); supported are oct, RSA and EC");
    CHECK(note_of(R"({"kty":"oct"})") == "key 1 has no \"k\" in base64url");
    CHECK(note_of(R"({"kty":"oct","k":"AAAA"})") == "key 1 has a secret of 24 bits; 256 to 8192 bits are allowed");
    CHECK(note_of(R"({"kty":"RSA","n":"AQAB"})") == "key 1 has no \"n\" and \"e\" in base64url");
    CHECK(note_of(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})") ==
          "key 1 has an RSA modulus of 24 bits; 2048 to 8192 bits are allowed");
    CHECK(note_of(R"({"kty":"EC","crv":"P-384"})") == "key 1 uses a curve (\"crv\") other than P-256");
    CHECK(note_of(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})") ==
          "key 1 has no \"x\" and \"y\" of 32 bytes in base64url");
    const std::string zeros(43, 'A');
    CHECK(note_of(R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + R"("})") ==
          "key 1 has coordinates that are not a point on P-256");
    const std::string secret = R"({"kty":"oct","k":")" + std::string(43, 'A') + R"(")";
    CHECK(note_of(secret + R"(,"alg":"RS256"})") == "key 1 names another algorithm (\"alg\") than HS256");
    CHECK(note_of(secret + R"(,"alg":7})") == "key 1 names another algorithm (\"alg\") than HS256");
    CHECK(note_of(secret + R"(,"use":"enc"})") == "key 1 is not for signatures (\"use\")");
    CHECK(note_of(secret + R"(,"kid":")" + std::string(257, 'k') + R"("})") ==
          "key 1 has a \"kid\" of more than 256 bytes");
}

TEST_CASE("what is no JWK Set, or has too much in it, is refused") {
    for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]} x)"})
        CHECK(parse_jwks(text).error() == "is not a JWK Set, {\"keys\": [...]}");
    CHECK(parse_jwks(R"({"keys":[]})").error() == "has no usable key");
    CHECK(parse_jwks(R"({"keys":[{"kty":"x"}]})").error().starts_with("has no usable key: key 1 is of"));
    std::string many = R"({"keys":[)" + std::string(good);
    for (std::size_t i = 1; i < TokenKeys::keys_max; ++i) many += "," + std::string(good);
    CHECK(parse_jwks(many + "]}").ok());
    CHECK(parse_jwks(many + "," + std::string(good) + "]}").error() == "has more than 32 keys");
    CHECK_FALSE(parse_jwks(std::string(TokenKeys::text_bytes_max, ' ') + "{}").ok());
}

}  // namespace
}  // namespace ledge::auth
