// What a TlsContext consists of; for the files that speak to mbedTLS.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/network.hpp"
#include "ledge/net/tls_context.hpp"
#include "psk_file.hpp"

namespace ledge::net {

/// A certificate with its chain and key.
struct TlsIdentity {
    TlsIdentity();
    ~TlsIdentity();
    TlsIdentity(const TlsIdentity&) = delete;
    TlsIdentity& operator=(const TlsIdentity&) = delete;

    /// `name` as a client asks for it, without regard to case; "*.example.org" stands for one level.
    bool is_for(std::string_view name) const;

    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    std::vector<std::string> names;  // in lower case
};

struct TlsContext::Parts {
    Parts();
    ~Parts();
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    std::shared_ptr<TlsSecrets> secrets;
    std::vector<std::unique_ptr<TlsIdentity>> identities;
    mbedtls_x509_crt authorities;
    mbedtls_x509_crl revoked;
    PskTable keys;
    std::array<Byte, psk_bytes_max> decoy_key{};  // of real chance
    std::vector<int> ciphers;                     // ends with 0
    std::vector<std::string> alpn;
    std::vector<const char*> alpn_texts;  // ends with nullptr
    mbedtls_ssl_config config;
    TlsOptions::ClientCertificate client_certificate = TlsOptions::ClientCertificate::none;
    TlsOptions::UserName user_name_from = TlsOptions::UserName::none;
    bool is_server = true;
    std::vector<std::string> notes;
};

/// What the context's callbacks tell a session: mbed::user_of().
struct TlsPeerNotes {
    std::string psk_identity;      // claimed; proven when the handshake is done
    std::string unknown_identity;  // claimed, and in no psk_file
    std::string subject;           // the name in the certificate that was shown, accepted or not
};

/// The name in a certificate, as `from` says; "" if it has none, or one with control characters.
std::string name_in(const mbedtls_x509_crt& certificate, TlsOptions::UserName from);
/// The host names it is for, in lower case.
std::vector<std::string> host_names_in(const mbedtls_x509_crt& certificate);

/// It names this IPv4 or IPv6 address; mbedTLS 2.28 does not look for those.
bool is_for_address(const mbedtls_x509_crt& certificate, const IpAddress& address);

/// mbedTLS's words for a negative result.
std::string tls_error_text(int result);

}  // namespace ledge::net
