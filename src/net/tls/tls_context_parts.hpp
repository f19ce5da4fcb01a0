// The parts of a TlsContext. Private to the source files that call mbedTLS.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "ledge/base/network.hpp"
#include "ledge/net/tls_context.hpp"
#include "psk_file.hpp"

namespace ledge::net {

/// A certificate with its chain and its private key.
struct TlsIdentity {
    TlsIdentity();
    ~TlsIdentity();
    TlsIdentity(const TlsIdentity&) = delete;
    TlsIdentity& operator=(const TlsIdentity&) = delete;

    /// True when the certificate is valid for the host name `name`. Upper and lower case are equal. "*.example.org"
    /// stands for one label in front of ".example.org".
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
    std::array<Byte, psk_bytes_max> decoy_key{};  // random; the key of every unknown identity
    std::vector<int> ciphers;                     // ends with 0
    std::vector<std::string> alpn;
    std::vector<const char*> alpn_texts;  // ends with nullptr
    mbedtls_ssl_config config;
    TlsOptions::ClientCertificate client_certificate = TlsOptions::ClientCertificate::none;
    TlsOptions::UserName user_name_from = TlsOptions::UserName::none;
    bool is_server = true;
    bool verifies_peer = true;  // false only in a client: TlsClientOptions::verifies_server
    std::vector<std::string> notes;
};

/// The facts that the context's callbacks report to a session. They reach the session through mbed::user_of().
struct TlsPeerNotes {
    std::string psk_identity;      // the claimed identity; the peer has the key once the handshake is complete
    std::string unknown_identity;  // a claimed identity that the psk_file does not contain
    std::string subject;           // the subject of the certificate that the peer has shown, accepted or not
};

/// The user name in a certificate, by the rule `from`; "" if the certificate has no such name, or one with control
/// characters.
std::string name_in(const mbedtls_x509_crt& certificate, TlsOptions::UserName from);
/// The host names for which the certificate is valid, in lower case.
std::vector<std::string> host_names_in(const mbedtls_x509_crt& certificate);

/// True when the certificate is valid for this IPv4 or IPv6 address. mbedTLS 2.28 does not check addresses.
bool is_for_address(const mbedtls_x509_crt& certificate, const IpAddress& address);

/// mbedTLS's description of a negative result.
std::string tls_error_text(int result);

/// The code for a negative result of mbedTLS, with tls_error_text() as its words.
std::error_code tls_code(int result);

}  // namespace ledge::net
