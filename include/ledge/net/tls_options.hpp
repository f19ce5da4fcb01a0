// TlsOptions: the TLS settings of a listener as plain values. The files are PEM, except psk_file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"

namespace ledge::net {

struct TlsCertificate {
    std::string certificate_file;  // the own certificate first, then the certificates of the authorities above it
    std::string key_file;          // a private key without a password

    friend bool operator==(const TlsCertificate&, const TlsCertificate&) = default;
};

struct TlsOptions {
    enum class ClientCertificate : std::uint8_t {
        none,      // the client is not asked for a certificate
        optional,  // the client may show no certificate; a certificate that it shows must be valid
        required,  // the client must show a valid certificate
    };
    /// The part of a client's certificate that becomes the client's user name.
    enum class UserName : std::uint8_t { none, common_name, subject_alternative_name, fingerprint };
    enum class Version : std::uint8_t { tls1_2, tls1_3 };

    /// Each certificate serves the host names that it contains. The first one also serves all other clients.
    std::vector<TlsCertificate> certificates;
    std::string ca_file;   // the authorities that may sign client certificates
    std::string crl_file;  // the lists of certificates that these authorities have revoked
    ClientCertificate client_certificate = ClientCertificate::none;
    UserName user_name_from = UserName::none;
    std::string psk_file;           // lines IDENTITY:HEX with pre-shared keys; excludes certificates
    std::vector<std::string> alpn;  // protocol names in the order of preference; empty = ALPN is ignored
    Version minimum_version = Version::tls1_2;
    std::vector<std::string> ciphers;  // names of cipher suites in the order of preference; empty = the safe suites
    Duration ticket_lifetime = 24h;    // lifetime of session tickets, which make reconnects cheap; 0 = no tickets

    Duration handshake_time_max = 10s;           // from the connection to the end of the handshake
    std::uint32_t handshakes_max = 100;          // handshakes under way at once; each takes 50 KiB
    std::uint32_t handshakes_queued_max = 1000;  // peers that wait until their handshake may begin; more are closed

    bool is_used() const { return !certificates.empty() || !psk_file.empty(); }
    friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// A mistake in the options or in their files.
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
    Option option = Option::other;  // the option that has the mistake
    std::size_t certificate = 0;    // for Option::certificate and Option::key: the index in TlsOptions::certificates
    Error reason;                   // its codes are those of the system and of mbedTLS
};

/// Reads and checks the files of a listener. The error is the mistake that prevents the listener from starting. The
/// result is a list of notes about allowed but doubtful facts: a key that everybody may read, a certificate that has
/// expired.
Result<std::vector<std::string>, TlsProblem> check_tls(const TlsOptions& options);

}  // namespace ledge::net
