// TlsOptions: the TLS settings of a listener as plain values. Files are PEM, except psk_file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"

namespace ledge::net {

struct TlsCertificate {
    std::string certificate_file;  // the server's first, then the chain above it
    std::string key_file;          // without a password

    friend bool operator==(const TlsCertificate&, const TlsCertificate&) = default;
};

struct TlsOptions {
    enum class ClientCertificate : std::uint8_t {
        none,      // the client is not asked for one
        optional,  // a client may show none; one that it shows must be valid
        required,
    };
    enum class UserName : std::uint8_t { none, common_name, subject_alternative_name, fingerprint };
    enum class Version : std::uint8_t { tls1_2, tls1_3 };

    std::vector<TlsCertificate>
        certificates;      // each serves the host names in it; the first also serves all other clients
    std::string ca_file;   // the authorities that sign client certificates
    std::string crl_file;  // the certificates that they have revoked
    ClientCertificate client_certificate = ClientCertificate::none;
    UserName user_name_from = UserName::none;
    std::string psk_file;           // lines IDENTITY:HEX; instead of certificates, never beside them
    std::vector<std::string> alpn;  // in the order of preference; none: ALPN is ignored
    Version minimum_version = Version::tls1_2;
    std::vector<std::string> ciphers;  // names of cipher suites in the order of preference; none: the safe ones
    Duration ticket_lifetime = 24h;    // of session tickets, which make reconnects cheap; 0: no tickets

    Duration handshake_time_max = 10s;
    std::uint32_t handshakes_max = 100;          // under way at once, 50 KiB each
    std::uint32_t handshakes_queued_max = 1000;  // peers that wait for their turn; more are closed

    bool is_used() const { return !certificates.empty() || !psk_file.empty(); }
    friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// What is wrong, and which of the options is wrong.
struct TlsProblem {
    enum class Option : std::uint8_t {
        certificate,
        key,
        ca,
        crl,
        client_certificate,
        user_name_from,
        psk_file,
        alpn,
        minimum_version,
        ciphers,
        other,
    };
    Option option = Option::other;
    std::size_t certificate = 0;  // with Option::certificate and Option::key: the index in TlsOptions::certificates
    std::string text;             // "/etc/x.pem cannot be read: No such file or directory"
};

/// Reads the files of a listener. The problem that keeps the listener from starting, or the notes about what is allowed
/// but should be known: a key that everybody may read, a certificate that has expired.
Result<std::vector<std::string>, TlsProblem> check_tls(const TlsOptions& options);

}  // namespace ledge::net
