// The difference between mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13) for hashes. No other file of the module depends
// on the version.
#pragma once

#include <mbedtls/md.h>
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

}  // namespace ledge::auth::mbed
