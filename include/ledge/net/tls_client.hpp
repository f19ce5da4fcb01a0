// TLS on connections that this program opens: the authorities it trusts and the certificate it shows. Connector uses
// the result.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::net {

class TlsContext;

/// Files are PEM. The server's certificate must always be valid for the name or address of the connection.
struct TlsClientOptions {
    std::string ca_file;         // the authorities that sign the server's certificate; "" only with a pre-shared key
    TlsCertificate certificate;  // of this program; both "": none is shown
    std::string psk_identity;    // a pre-shared key, instead of all above
    std::string psk_hex;
    std::vector<std::string> alpn;
    std::vector<std::string> ciphers;  // names in the order of preference; none: the safe ones
    TlsOptions::Version minimum_version = TlsOptions::Version::tls1_2;
};

/// Reads the files and checks them. Connections that exist keep the context they began with.
Result<std::shared_ptr<const TlsContext>, TlsProblem> make_tls_client(const TlsClientOptions& options);

/// The problem that make_tls_client() would have; or notes about what is allowed and should be known, such as a key
/// that everybody may read or a certificate that has expired.
Result<std::vector<std::string>, TlsProblem> check_tls_client(const TlsClientOptions& options);

/// The files that the options name. Their change calls for a new context.
std::vector<std::string> files_of(const TlsClientOptions& options);

}  // namespace ledge::net
