// The cipher suites of a listener or client: a default order that depends on the processor, or the names from the
// configuration. The lists end with 0, as mbedTLS expects.
#include "tls_ciphers.hpp"

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "aes_instructions.hpp"

namespace ledge::net {
namespace {

// Suites of one kind, in the order of preference; zeros fill the rest.
using Group = std::array<int, 3>;

// ECDSA before RSA: its signatures cost the server far less time.
constexpr Group chacha20{MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                         MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0};
constexpr Group aes_128{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                        0};
constexpr Group aes_256{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                        0};
// RFC 7251: CCM is the mode of small devices that have no GCM.
constexpr Group constrained{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM, 0, 0};

// With ECDHE, a key that becomes known later does not reveal recorded connections.
constexpr Group psk_forward{MBEDTLS_TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, 0, 0};
constexpr Group psk_chacha20{MBEDTLS_TLS_PSK_WITH_CHACHA20_POLY1305_SHA256, 0, 0};
constexpr Group psk_aes{MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_PSK_WITH_AES_256_GCM_SHA384, 0};
// RFC 7925: every PSK device of this profile supports TLS_PSK_WITH_AES_128_CCM_8.
constexpr Group psk_constrained{MBEDTLS_TLS_PSK_WITH_AES_128_CCM, MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8, 0};

// The suites of TLS 1.3 by number, because mbedTLS 2.28 has no names for them.
constexpr Group newer_chacha20{0x1303, 0, 0};
constexpr Group newer_aes{0x1301, 0x1302, 0};

/// Appends the suites with which the library was built. If an unknown suite were in the list, the handshake of a client
/// that supports this suite would fail.
void append(std::initializer_list<Group> groups, std::vector<int>& out) {
    for (const Group& group : groups) {
        std::copy_if(group.begin(), group.end(), std::back_inserter(out),
                     [](int suite) { return mbedtls_ssl_ciphersuite_from_id(suite) != nullptr; });
    }
}

/// The library's name of a suite. RFC 8446 writes TLS_AES_128_GCM_SHA256, mbedTLS writes TLS1-3-AES-128-GCM-SHA256.
std::string library_name(std::string name) {
    std::replace(name.begin(), name.end(), '_', '-');
    constexpr std::string_view with = "-WITH-";
    constexpr std::string_view prefix = "TLS-";
    // Names of TLS 1.3 have no "WITH", because such a suite does not fix key exchange and signature.
    const bool is_newer = name.starts_with(prefix) && name.find(with) == std::string::npos;
    return is_newer ? "TLS1-3-" + name.substr(prefix.size()) : name;
}

/// True for suites of TLS 1.3: their numbers begin with 0x13 (RFC 8446 appendix B.4).
bool is_newer(int suite) { return (suite >> 8) == 0x13; }

}  // namespace

std::vector<int> safe_ciphers(bool is_psk) {
    std::vector<int> result;
    // Without AES instructions, ChaCha20 is faster, and AES that is computed with tables leaks timing.
    const bool is_aes_first = has_aes_instructions();
    if (is_aes_first) {
        append({newer_aes, newer_chacha20}, result);
    } else {
        append({newer_chacha20, newer_aes}, result);
    }
    if (is_psk) {
        append({psk_forward}, result);
        if (is_aes_first) {
            append({psk_aes, psk_chacha20, psk_constrained}, result);
        } else {
            append({psk_chacha20, psk_aes, psk_constrained}, result);
        }
    } else if (is_aes_first) {
        append({aes_128, chacha20, aes_256, constrained}, result);
    } else {
        append({chacha20, aes_128, aes_256, constrained}, result);
    }
    result.push_back(0);
    return result;
}

Result<std::vector<int>, Error> ciphers_by_name(std::span<const std::string> names, bool is_psk) {
    std::vector<int> result;
    for (const std::string& name : names) {
        const int suite = mbedtls_ssl_get_ciphersuite_id(library_name(name).c_str());
        if (suite == 0) {
            return Failure{Error{{},
                                 "names '{}', which is no cipher suite of this build; write names such as "
                                 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                 name}};
        }
        const bool uses_psk = name.find("PSK") != std::string::npos;
        // Suites of TLS 1.3 work with certificates and with pre-shared keys.
        if (!is_newer(suite) && uses_psk != is_psk) {
            return Failure{Error{{},
                                 is_psk ? "names '{}', which needs a certificate; this listener has pre-shared keys"
                                        : "names '{}', which needs pre-shared keys; this listener has none",
                                 name}};
        }
        result.push_back(suite);
    }
    result.push_back(0);
    return result;
}

}  // namespace ledge::net
