// TlsOptions: how TLS is spoken on a listener, as plain values. Files are PEM unless said otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::transport {

struct TlsCertificate {
    std::string certificate_file;  // the server's first, then the chain above it
    std::string key_file;          // without a password

    friend bool operator==(const TlsCertificate&, const TlsCertificate&) = default;
};

struct TlsOptions {
    enum class ClientCertificate : std::uint8_t {
        none,      // not asked for
        optional,  // a client may have none; one that it has must be valid
        required,
    };
    enum class UserName : std::uint8_t { none, common_name, subject_alternative_name, fingerprint };
    enum class Version : std::uint8_t { tls1_2, tls1_3 };

    std::vector<TlsCertificate> certificates;  // the first for clients that name no other; each for the names in it
    std::string ca_file;                       // who signs client certificates
    std::string crl_file;                      // what they have revoked
    ClientCertificate client_certificate = ClientCertificate::none;
    UserName user_name_from = UserName::none;
    std::string psk_file;           // lines IDENTITY:HEX; instead of certificates, never beside them
    std::vector<std::string> alpn;  // in the order of preference; none: whatever clients ask for is not looked at
    Version minimum_version = Version::tls1_2;
    std::vector<std::string> ciphers;  // names of cipher suites in the order of preference; none: the safe ones
    Duration ticket_lifetime = 24h;    // session tickets for cheap reconnects; 0: none

    Duration handshake_time_max = 10s;
    std::uint32_t handshakes_max = 100;          // under way at once, 50 KiB each
    std::uint32_t handshakes_queued_max = 1000;  // peers that wait for their turn; more are closed

    bool is_used() const { return !certificates.empty() || !psk_file.empty(); }
    friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// What is wrong, and with which of the options.
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
    std::size_t certificate = 0;  // of certificate and key: which one
    std::string text;             // "/etc/x.pem cannot be read: No such file or directory"
};

}  // namespace ledge::transport
