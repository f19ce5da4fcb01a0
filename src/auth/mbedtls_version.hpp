// The difference between mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13) for hashes and private keys. No other file of the
// module depends on the version.
#pragma once

#include <mbedtls/hmac_drbg.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/version.h>

#include <cstdint>
#include <span>

#include "ledge/base/bytes.hpp"

namespace ledge::auth::mbed {

/// Computes PBKDF2 with HMAC (RFC 8018 section 5.2) and fills `key`. Returns 0, or an error of mbedTLS: no memory, or a
/// library without the hash.
inline int pbkdf2(mbedtls_md_type_t hash, Bytes password, Bytes salt, std::uint32_t iterations, std::span<Byte> key) {
    const auto key_bytes = static_cast<std::uint32_t>(key.size());
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pkcs5_pbkdf2_hmac_ext(hash, password.data(), password.size(), salt.data(), salt.size(), iterations,
                                         key_bytes, key.data());
#else
    mbedtls_md_context_t context{};
    mbedtls_md_init(&context);
    int error = mbedtls_md_setup(&context, mbedtls_md_info_from_type(hash), 1);
    if (error == 0) {
        error = mbedtls_pkcs5_pbkdf2_hmac(&context, password.data(), password.size(), salt.data(), salt.size(),
                                          iterations, key_bytes, key.data());
    }
    mbedtls_md_free(&context);
    return error;
#endif
}

/// Parses a private key without a password. `pem` ends with a zero byte. Returns 0, or an error of mbedTLS.
inline int parse_private_key(mbedtls_pk_context& key, Bytes pem, mbedtls_hmac_drbg_context& random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_parse_key(&key, pem.data(), pem.size(), nullptr, 0, mbedtls_hmac_drbg_random, &random);
#else
    static_cast<void>(random);
    return mbedtls_pk_parse_key(&key, pem.data(), pem.size(), nullptr, 0);
#endif
}

/// Signs a digest, and sets `size` to the number of bytes in `signature`. Returns 0, or an error of mbedTLS.
inline int sign(mbedtls_pk_context& key, mbedtls_md_type_t hash, Bytes digest, std::span<Byte> signature,
                std::size_t& size, mbedtls_hmac_drbg_context& random) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_sign(&key, hash, digest.data(), digest.size(), signature.data(), signature.size(), &size,
                           mbedtls_hmac_drbg_random, &random);
#else
    return mbedtls_pk_sign(&key, hash, digest.data(), digest.size(), signature.data(), &size, mbedtls_hmac_drbg_random,
                           &random);
#endif
}

}  // namespace ledge::auth::mbed
