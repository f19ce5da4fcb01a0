#include "tls/tls_ciphers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

using namespace ledge::net;

namespace {

constexpr int chacha20_ecdsa = 0xCCA9;
constexpr int aes_128_ecdsa = 0xC02B;

bool has(const std::vector<int>& suites, int suite) {
    return std::find(suites.begin(), suites.end(), suite) != suites.end();
}

std::string wrong_ciphers(const std::string& name, bool is_psk = false) {
    const std::array names{name};
    const auto suites = ciphers_by_name(names, is_psk);
    REQUIRE_FALSE(suites.ok());
    return text_of(suites.error());
}

}  // namespace

TEST_CASE("the safe suites end with 0, know both kinds of keys apart, and hold nothing without authentication") {
    const auto with_certificate = safe_ciphers(false);
    const auto with_key = safe_ciphers(true);
    REQUIRE(with_certificate.size() > 5);
    CHECK(with_certificate.back() == 0);
    CHECK(with_key.back() == 0);
    CHECK(has(with_certificate, chacha20_ecdsa));
    CHECK(has(with_certificate, aes_128_ecdsa));
    CHECK(has(with_key, 0xCCAC));                // ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256
    CHECK(has(with_key, 0xC0A8));                // PSK_WITH_AES_128_CCM_8 (RFC 7925)
    CHECK_FALSE(has(with_key, chacha20_ecdsa));  // a client with a wrong key has nothing to fall back to
    CHECK_FALSE(has(with_certificate, 0xC0A8));
    CHECK_FALSE(has(with_certificate, 0x002F));  // RSA_WITH_AES_128_CBC_SHA
    CHECK_FALSE(has(with_certificate, 0xC023));  // ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
}

TEST_CASE("suites are known by the names of the standard and of mbedTLS") {
    const std::array<std::string, 2> names{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                           "TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256"};
    const auto suites = ciphers_by_name(names, false);
    REQUIRE(suites.ok());
    CHECK(suites.value() == std::vector<int>{aes_128_ecdsa, chacha20_ecdsa, 0});
}

TEST_CASE("an unknown suite, or one that the listener has no keys for, is refused by name") {
    CHECK(wrong_ciphers("RC4-MD5").find("'RC4-MD5', which is no cipher suite") != std::string::npos);
    CHECK(wrong_ciphers("TLS_PSK_WITH_AES_128_GCM_SHA256").find("needs pre-shared keys") != std::string::npos);
    CHECK(wrong_ciphers("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", true).find("needs a certificate") !=
          std::string::npos);
}
