// Signatures and keys, with mbedTLS.
#include "signature.hpp"

#include <mbedtls/asn1.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include <algorithm>
#include <vector>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/constant_time.hpp"
#include "mbedtls_version.hpp"

namespace ledge::auth {
namespace {

/// A key in the form of mbedTLS; the destructor frees it.
class ParsedKey {
public:
    ParsedKey() { mbedtls_pk_init(&context_); }
    ~ParsedKey() { mbedtls_pk_free(&context_); }
    ParsedKey(const ParsedKey&) = delete;
    ParsedKey& operator=(const ParsedKey&) = delete;
    mbedtls_pk_context* get() { return &context_; }

    /// False = the numbers are not an RSA key.
    bool set_rsa(const TokenKey& key) {
        if (mbedtls_pk_setup(&context_, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) != 0) return false;
        mbedtls_rsa_context* rsa = mbedtls_pk_rsa(context_);  // its padding is PKCS #1 1.5 by default
        const Bytes n = key.material.bytes();
        const auto& e = key.exponent;
        return mbedtls_rsa_import_raw(rsa, n.data(), n.size(), nullptr, 0, nullptr, 0, nullptr, 0, e.data(),
                                      e.size()) == 0 &&
               mbedtls_rsa_complete(rsa) == 0 && mbedtls_rsa_check_pubkey(rsa) == 0;
    }

private:
    mbedtls_pk_context context_{};
};

/// A point on P-256 and the two numbers of a signature; the destructor frees them.
struct Curve {
    Curve() {
        mbedtls_ecp_group_init(&group);
        mbedtls_ecp_point_init(&point);
        mbedtls_mpi_init(&r);
        mbedtls_mpi_init(&s);
    }
    ~Curve() {
        mbedtls_mpi_free(&s);
        mbedtls_mpi_free(&r);
        mbedtls_ecp_point_free(&point);
        mbedtls_ecp_group_free(&group);
    }
    Curve(const Curve&) = delete;
    Curve& operator=(const Curve&) = delete;

    /// False = the point is not on the curve.
    bool set(const TokenKey& key) {
        std::array<Byte, 1 + TokenKey::point_bytes> text{0x04};  // uncompressed (SEC 1 section 2.3.4)
        const Bytes xy = key.material.bytes();
        if (xy.size() != TokenKey::point_bytes) return false;
        std::copy(xy.begin(), xy.end(), text.begin() + 1);
        return mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
               mbedtls_ecp_point_read_binary(&group, &point, text.data(), text.size()) == 0 &&
               mbedtls_ecp_check_pubkey(&group, &point) == 0;
    }

    mbedtls_ecp_group group{};
    mbedtls_ecp_point point{};
    mbedtls_mpi r{};
    mbedtls_mpi s{};
};

bool is_signed_rsa(const TokenKey& key, const Digest256& digest, Bytes signature) {
    ParsedKey public_key;
    // A signature of RSA has as many bytes as the modulus (RFC 8017 section 8.2.2).
    if (signature.size() != key.material.bytes().size() || !public_key.set_rsa(key)) return false;
    return mbedtls_pk_verify(public_key.get(), MBEDTLS_MD_SHA256, digest.data(), digest.size(), signature.data(),
                             signature.size()) == 0;
}

/// The signature is r and s, 32 bytes each (RFC 7518 section 3.4). mbedTLS refuses numbers out of range, including 0.
bool is_signed_ecdsa(const TokenKey& key, const Digest256& digest, Bytes signature) {
    Curve curve;
    if (signature.size() != 64 || !curve.set(key)) return false;
    return mbedtls_mpi_read_binary(&curve.r, signature.data(), 32) == 0 &&
           mbedtls_mpi_read_binary(&curve.s, signature.data() + 32, 32) == 0 &&
           mbedtls_ecdsa_verify(&curve.group, digest.data(), digest.size(), &curve.point, &curve.r, &curve.s) == 0;
}

std::string out_of_range(std::string_view what, std::size_t bytes, std::size_t min, std::size_t max) {
    return "has " + std::string(what) + " of " + std::to_string(bytes * 8) + " bits; " + std::to_string(min * 8) +
           " to " + std::to_string(max * 8) + " bits are allowed";
}

std::string fault_of_rsa(const TokenKey& key) {
    const std::size_t size = key.material.bytes().size();
    if (size < TokenKey::modulus_bytes_min || size > TokenKey::modulus_bytes_max)
        return out_of_range("an RSA modulus", size, TokenKey::modulus_bytes_min, TokenKey::modulus_bytes_max);
    if (key.exponent.empty() || key.exponent.size() > TokenKey::exponent_bytes_max)
        return out_of_range("an RSA exponent", key.exponent.size(), 1, TokenKey::exponent_bytes_max);
    return ParsedKey().set_rsa(key) ? "" : "has numbers that are not an RSA key";
}

/// The first bytes of every EC key in DER (RFC 5480) on the curve P-256. The point follows: x, then y.
constexpr std::array<Byte, 27> p256_prefix{0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                           0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                           0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/// Writes the parsed key in DER, compares its start with that of a key on P-256, and copies the point behind this
/// start.
Result<TokenKey, std::string> key_from_ec(mbedtls_pk_context* context) {
    std::array<Byte, 256> der{};  // mbedTLS writes the key at the end of the buffer
    const int size = mbedtls_pk_write_pubkey_der(context, der.data(), der.size());
    constexpr std::size_t expected = p256_prefix.size() + TokenKey::point_bytes;
    const Byte* begin = der.data() + der.size() - expected;
    if (size != static_cast<int>(expected) || !std::equal(p256_prefix.begin(), p256_prefix.end(), begin))
        return Failure{std::string("has an EC key that is not on P-256")};
    TokenKey key;
    key.algorithm = TokenAlgorithm::es256;
    key.material = Secret({begin + p256_prefix.size(), TokenKey::point_bytes});
    return key;
}

Result<TokenKey, std::string> key_from_rsa(mbedtls_rsa_context* rsa) {
    std::vector<Byte> n(mbedtls_rsa_get_len(rsa));
    std::vector<Byte> e(TokenKey::exponent_bytes_max);
    if (mbedtls_rsa_export_raw(rsa, n.data(), n.size(), nullptr, 0, nullptr, 0, nullptr, 0, e.data(), e.size()) != 0)
        return Failure{std::string("has an RSA key with an exponent of more than 64 bits")};
    TokenKey key;
    key.algorithm = TokenAlgorithm::rs256;
    key.material = Secret(n);
    key.exponent = std::move(e);
    return key;
}

/// The random numbers that mbedTLS uses during a signature. They only hide the key from somebody who measures time or
/// power, since the signatures themselves do not depend on chance: RS256 has none, and the number of ES256 is derived
/// from key and text (RFC 6979). Key and text are part of the seed all the same, in case a library was built otherwise.
class Randomness {
public:
    Randomness(std::uint64_t seed, Bytes key, Bytes text) {
        mbedtls_hmac_drbg_init(&context_);
        std::array<Byte, sizeof seed + sizeof(Digest256)> start{};
        for (std::size_t i = 0; i < sizeof seed; ++i) start[i] = static_cast<Byte>(seed >> (8 * i));
        Digest256 digest = hmac_sha256(key, text);
        std::copy(digest.begin(), digest.end(), start.begin() + sizeof seed);
        const int error = mbedtls_hmac_drbg_seed_buf(&context_, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                                     start.data(), start.size());
        LEDGE_ASSERT(error == 0);  // an error means: no memory, or a library without SHA-256
        wipe(start.data(), start.size());
        wipe(digest.data(), digest.size());
    }
    ~Randomness() { mbedtls_hmac_drbg_free(&context_); }
    Randomness(const Randomness&) = delete;
    Randomness& operator=(const Randomness&) = delete;
    mbedtls_hmac_drbg_context& get() { return context_; }

private:
    mbedtls_hmac_drbg_context context_{};
};

/// Parses a private key in PEM. False = it is none.
bool parse_private(ParsedKey& parsed, Bytes pem, mbedtls_hmac_drbg_context& random) {
    std::vector<Byte> text(pem.size() + 1);  // mbedTLS needs a zero byte at the end
    std::copy(pem.begin(), pem.end(), text.begin());
    const int error = mbed::parse_private_key(*parsed.get(), text, random);
    wipe(text.data(), text.size());
    return error == 0;
}

/// r and s with 32 bytes each (RFC 7518 section 3.4), of a signature in DER. Empty = the DER is damaged.
std::vector<Byte> raw_signature(std::span<Byte> der) {
    Curve numbers;  // for its r and s
    constexpr std::size_t number_bytes = TokenKey::point_bytes / 2;
    std::vector<Byte> raw(2 * number_bytes);
    Byte* at = der.data();
    const Byte* const end = der.data() + der.size();
    std::size_t size = 0;
    const bool is_valid =
        mbedtls_asn1_get_tag(&at, end, &size, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0 &&
        mbedtls_asn1_get_mpi(&at, end, &numbers.r) == 0 && mbedtls_asn1_get_mpi(&at, end, &numbers.s) == 0 &&
        mbedtls_mpi_write_binary(&numbers.r, raw.data(), number_bytes) == 0 &&
        mbedtls_mpi_write_binary(&numbers.s, raw.data() + number_bytes, number_bytes) == 0;
    if (!is_valid) raw.clear();
    return raw;
}

}  // namespace

std::string fault_of(const TokenKey& key) {
    const std::size_t size = key.material.bytes().size();
    switch (key.algorithm) {
        case TokenAlgorithm::hs256:
            if (size >= TokenKey::secret_bytes_min && size <= TokenKey::secret_bytes_max) return {};
            return out_of_range("a secret", size, TokenKey::secret_bytes_min, TokenKey::secret_bytes_max);
        case TokenAlgorithm::rs256: return fault_of_rsa(key);
        case TokenAlgorithm::es256: return Curve().set(key) ? "" : "has coordinates that are not a point on P-256";
    }
    return {};
}

bool is_signed_with(const TokenKey& key, std::string_view text, Bytes signature) {
    switch (key.algorithm) {
        case TokenAlgorithm::hs256:
            // An attacker could otherwise find a correct HMAC byte by byte, by measuring the time.
            return are_equal_in_constant_time(hmac_sha256(key.material.bytes(), as_bytes(text)), signature);
        case TokenAlgorithm::rs256: return is_signed_rsa(key, sha256(as_bytes(text)), signature);
        case TokenAlgorithm::es256: return is_signed_ecdsa(key, sha256(as_bytes(text)), signature);
    }
    return false;
}

Result<TokenKey, std::string> parse_public_key(std::string_view pem) {
    const std::string text(pem);  // mbedTLS needs a zero byte at the end
    ParsedKey parsed;
    const auto* bytes = as_bytes(text).data();
    if (mbedtls_pk_parse_public_key(parsed.get(), bytes, text.size() + 1) != 0)
        return Failure{std::string("has no readable public key in PEM (-----BEGIN PUBLIC KEY-----)")};
    switch (mbedtls_pk_get_type(parsed.get())) {
        case MBEDTLS_PK_RSA: return key_from_rsa(mbedtls_pk_rsa(*parsed.get()));
        case MBEDTLS_PK_ECKEY: return key_from_ec(parsed.get());
        default:
            return Failure{std::string("has a public key of an unsupported kind; supported are RSA and EC on P-256")};
    }
}

Result<SigningKey, std::string> parse_private_key(TokenAlgorithm algorithm, std::string_view pem) {
    LEDGE_ASSERT(algorithm != TokenAlgorithm::hs256);
    const bool is_rsa = algorithm == TokenAlgorithm::rs256;
    const bool is_encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
    if (is_encrypted) return Failure{std::string("has an encrypted key; remove its password: openssl pkey -in FILE")};
    if (pem.find("-----BEGIN PUBLIC KEY") != std::string_view::npos)
        return Failure{std::string("has a public key; a token is signed with the private key")};
    ParsedKey parsed;
    Randomness randomness(0, {}, {});  // a key in PEM has all its numbers, so none is computed by chance
    if (!parse_private(parsed, as_bytes(pem), randomness.get()))
        return Failure{std::string("has no readable private key in PEM (-----BEGIN PRIVATE KEY-----)")};
    const mbedtls_pk_type_t type = mbedtls_pk_get_type(parsed.get());
    if (type != (is_rsa ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECKEY))
        return Failure{std::string(is_rsa ? "has no RSA key, which RS256 needs" : "has no EC key, which ES256 needs")};
    const auto public_key = is_rsa ? key_from_rsa(mbedtls_pk_rsa(*parsed.get())) : key_from_ec(parsed.get());
    if (!public_key) return Failure{public_key.error()};
    if (std::string fault = fault_of(*public_key); !fault.empty()) return Failure{std::move(fault)};
    return SigningKey{algorithm, Secret(as_bytes(pem))};
}

Result<std::vector<Byte>, std::string> sign(const SigningKey& key, std::string_view text, std::uint64_t seed) {
    const Bytes material = key.material.bytes();
    if (key.algorithm == TokenAlgorithm::hs256) {
        const Digest256 digest = hmac_sha256(material, as_bytes(text));
        return std::vector<Byte>(digest.begin(), digest.end());
    }
    Randomness randomness(seed, material, as_bytes(text));
    ParsedKey parsed;
    if (!parse_private(parsed, material, randomness.get())) return Failure{std::string("the private key is damaged")};
    const Digest256 digest = sha256(as_bytes(text));
    std::vector<Byte> signature(TokenKey::modulus_bytes_max);
    std::size_t size = 0;
    const int error = mbed::sign(*parsed.get(), MBEDTLS_MD_SHA256, digest, signature, size, randomness.get());
    if (error != 0) return Failure{"mbedTLS cannot sign (error " + std::to_string(error) + ")"};
    signature.resize(size);
    if (key.algorithm == TokenAlgorithm::es256) signature = raw_signature(signature);
    if (signature.empty()) return Failure{std::string("mbedTLS makes a signature that is not in DER")};
    return signature;
}

}  // namespace ledge::auth
