// TLS on connections that we open: whom we trust there and what we show. Connector uses it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/transport/tls_options.hpp"

namespace ledge::transport {

class TlsContext;

/// Files are PEM. The server's certificate always has to be valid, and for the name or address that is connected to.
struct TlsClientOptions {
    std::string ca_file;         // who signs the server's certificate; "" with a pre-shared key only
    TlsCertificate certificate;  // ours; both "": none
    std::string psk_identity;    // instead of all of the above
    std::string psk_hex;
    std::vector<std::string> alpn;
    std::vector<std::string> ciphers;  // names in the order of preference; none: the safe ones
    TlsOptions::Version minimum_version = TlsOptions::Version::tls1_2;
};

/// Reads the files and checks them; what is in use keeps what it began with.
Result<std::shared_ptr<const TlsContext>, TlsProblem> make_tls_client(const TlsClientOptions& options);

/// The problem that make_tls_client() would have, or what is allowed but should be known: a key that everybody may
/// read, a certificate that has expired.
Result<std::vector<std::string>, TlsProblem> check_tls_client(const TlsClientOptions& options);

/// The files that options name, those that have to be watched.
std::vector<std::string> files_of(const TlsClientOptions& options);

}  // namespace ledge::transport
