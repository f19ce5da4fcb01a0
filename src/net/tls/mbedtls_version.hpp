// The differences between mbedTLS 2.28 (Debian 12) and 3.6 (Debian 13). No other file asks for the version, except
// aes_instructions.cpp. Private to the source files that call mbedTLS.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

namespace ledge::net::mbed {

using Random = int (*)(void*, unsigned char*, std::size_t);

#if MBEDTLS_VERSION_NUMBER >= 0x03000000

/// Starts PSA, the library that mbedTLS uses for TLS 1.3. Returns 0 or an error.
inline int start_library() { return psa_crypto_init(); }

// Since 3.0 this function needs a random generator; keys with a passphrase are not supported (nullptr, 0).
inline int parse_key(mbedtls_pk_context* key, std::span<const unsigned char> text, Random random, void* state) {
    return mbedtls_pk_parse_key(key, text.data(), text.size(), nullptr, 0, random, state);
}
inline int check_pair(const mbedtls_pk_context* certificate, const mbedtls_pk_context* key, Random random,
                      void* state) {
    return mbedtls_pk_check_pair(certificate, key, random, state);
}
inline int sign(mbedtls_pk_context* key, std::span<const unsigned char> hash, std::span<unsigned char> into,
                Random random, void* state) {
    std::size_t size = 0;
    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash.data(), hash.size(), into.data(), into.size(), &size, random,
                           state);
}

inline constexpr bool has_tls1_3 = true;
inline constexpr int wrong_version = MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
inline void set_minimum_version(mbedtls_ssl_config* config, bool is_tls1_3) {
    mbedtls_ssl_conf_min_tls_version(config, is_tls1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
}
inline void set_groups_and_hashes(mbedtls_ssl_config* config) {
    static constexpr std::uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                               MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    mbedtls_ssl_conf_groups(config, groups);  // the default signature algorithms of 3.6 are safe
}
inline void without_tickets_of_1_3(mbedtls_ssl_config* config) { mbedtls_ssl_conf_new_session_tickets(config, 0); }

inline void set_user(mbedtls_ssl_context* ssl, void* user) { mbedtls_ssl_set_user_data_p(ssl, user); }
inline void* user_of(mbedtls_ssl_context* ssl) { return mbedtls_ssl_get_user_data_p(ssl); }
inline bool is_tls1_3(const mbedtls_ssl_context& ssl) {
    return mbedtls_ssl_get_version_number(&ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
}
/// True for a negative result that is no failure: mbedTLS reports a ticket of TLS 1.3 to a client in this way.
inline bool is_no_failure(int result) { return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET; }

#else

inline int start_library() { return 0; }

inline int parse_key(mbedtls_pk_context* key, std::span<const unsigned char> text, Random, void*) {
    return mbedtls_pk_parse_key(key, text.data(), text.size(), nullptr, 0);
}
inline int check_pair(const mbedtls_pk_context* certificate, const mbedtls_pk_context* key, Random, void*) {
    return mbedtls_pk_check_pair(certificate, key);
}
inline int sign(mbedtls_pk_context* key, std::span<const unsigned char> hash, std::span<unsigned char> into,
                Random random, void* state) {
    std::size_t size = 0;
    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash.data(), hash.size(), into.data(), &size, random, state);
}

inline constexpr bool has_tls1_3 = false;
inline constexpr int wrong_version = MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;
inline void set_minimum_version(mbedtls_ssl_config* config, bool) {
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
}
/// The default order of 2.28 begins with the slowest curves, and its default hashes include SHA-1.
inline void set_groups_and_hashes(mbedtls_ssl_config* config) {
    static constexpr mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
                                                      MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
    static constexpr int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
    mbedtls_ssl_conf_curves(config, curves);
    mbedtls_ssl_conf_sig_hashes(config, hashes);
}
inline void without_tickets_of_1_3(mbedtls_ssl_config*) {}

// 2.28 has no user data. The session is also the argument of its input and output callbacks (p_bio), which is a public
// member in 2.28.
inline void set_user(mbedtls_ssl_context*, void*) {}
inline void* user_of(mbedtls_ssl_context* ssl) { return ssl->p_bio; }
inline bool is_tls1_3(const mbedtls_ssl_context&) { return false; }
inline bool is_no_failure(int) { return false; }

#endif

// ---------------------------------------------------------------------------------------------------------------------
// Members of mbedtls_ssl_context, which are private in 3.6.

#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

inline int state_of(const mbedtls_ssl_context& ssl) { return ssl.MBEDTLS_PRIVATE(state); }
/// The number of the alert that the peer has sent (RFC 8446 section 6). Valid after the result
/// MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE.
inline unsigned alert_of(const mbedtls_ssl_context& ssl) { return ssl.MBEDTLS_PRIVATE(in_msg)[1]; }
/// The beginning of the record that was read last, as it came from the network: the five bytes of its header and six
/// more bytes. If only one record has come so far, these are the peer's first bytes.
inline std::span<const unsigned char, 11> record_front(const mbedtls_ssl_context& ssl) {
    return std::span<const unsigned char, 11>(ssl.MBEDTLS_PRIVATE(in_hdr), 11);
}

// ---------------------------------------------------------------------------------------------------------------------
// The record buffers. Their addresses are members of the context in both versions; they are private in 3.6. If mbedTLS
// was built to exchange its buffers itself, these functions are not used.

#ifdef MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH
inline constexpr bool has_fixed_buffers = false;
#else
inline constexpr bool has_fixed_buffers = true;
#endif

inline constexpr std::size_t record_bytes_max =
    MBEDTLS_SSL_IN_CONTENT_LEN > MBEDTLS_SSL_OUT_CONTENT_LEN ? MBEDTLS_SSL_IN_CONTENT_LEN : MBEDTLS_SSL_OUT_CONTENT_LEN;

/// Moves a pointer into the buffer `from` to the same offset in the buffer `to`.
inline void move_pointer(unsigned char*& pointer, const unsigned char* from, unsigned char* to) {
    if (pointer != nullptr) pointer = to + (pointer - from);
}

/// Replaces the buffers that mbedtls_ssl_setup() has made by `input` and `output`, and frees the old ones. The new
/// buffers must be filled with zeros.
inline void exchange_buffers(mbedtls_ssl_context& ssl, unsigned char* input, unsigned char* output) {
    unsigned char* const old_input = ssl.MBEDTLS_PRIVATE(in_buf);
    unsigned char* const old_output = ssl.MBEDTLS_PRIVATE(out_buf);
    for (unsigned char** pointer :
         {&ssl.MBEDTLS_PRIVATE(in_ctr), &ssl.MBEDTLS_PRIVATE(in_hdr), &ssl.MBEDTLS_PRIVATE(in_len),
          &ssl.MBEDTLS_PRIVATE(in_iv), &ssl.MBEDTLS_PRIVATE(in_msg), &ssl.MBEDTLS_PRIVATE(in_offt)}) {
        move_pointer(*pointer, old_input, input);
    }
    for (unsigned char** pointer :
         {&ssl.MBEDTLS_PRIVATE(out_ctr), &ssl.MBEDTLS_PRIVATE(out_hdr), &ssl.MBEDTLS_PRIVATE(out_len),
          &ssl.MBEDTLS_PRIVATE(out_iv), &ssl.MBEDTLS_PRIVATE(out_msg)}) {
        move_pointer(*pointer, old_output, output);
    }
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
    move_pointer(ssl.MBEDTLS_PRIVATE(in_cid), old_input, input);
    move_pointer(ssl.MBEDTLS_PRIVATE(out_cid), old_output, output);
#endif
    ssl.MBEDTLS_PRIVATE(in_buf) = input;
    ssl.MBEDTLS_PRIVATE(out_buf) = output;
    mbedtls_free(old_input);
    mbedtls_free(old_output);
}

/// Removes the buffers from the context, so that mbedtls_ssl_free() does not free them.
inline void forget_buffers(mbedtls_ssl_context& ssl) {
    ssl.MBEDTLS_PRIVATE(in_buf) = nullptr;
    ssl.MBEDTLS_PRIVATE(out_buf) = nullptr;
}

/// True when no record is partly read, is partly decrypted, or waits to be sent.
inline bool is_quiet(const mbedtls_ssl_context& ssl) {
    return ssl.MBEDTLS_PRIVATE(in_left) == 0 && ssl.MBEDTLS_PRIVATE(out_left) == 0 &&
           ssl.MBEDTLS_PRIVATE(in_offt) == nullptr && mbedtls_ssl_check_pending(&ssl) == 0;
}

/// The 8 bytes in the input buffer that count the records read. mbedTLS counts the written records outside its buffers.
inline unsigned char* input_counter(mbedtls_ssl_context& ssl) { return ssl.MBEDTLS_PRIVATE(in_ctr); }

}  // namespace ledge::net::mbed
