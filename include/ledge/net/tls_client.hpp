// TLS for connections that this program opens: the certificate authorities that it trusts, and the certificate that it
// shows. Connector uses the resulting context. Any thread may call these functions; they read files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::net {

class TlsContext;

/// The files are PEM. The server's certificate must always be valid for the name or address of the connection.
struct TlsClientOptions {
    std::string ca_file;  // the authorities that may sign the server's certificate; "" only with a pre-shared key
    TlsCertificate certificate;        // this program's certificate; both file names "" = no certificate is shown
    std::string psk_file;              // one line IDENTITY:HEX, a pre-shared key instead of the files above; "" = none
    std::vector<std::string> alpn;     // protocol names in the order of preference; empty = ALPN is not used
    std::vector<std::string> ciphers;  // names in the order of preference; empty = the safe suites
    TlsOptions::Version minimum_version = TlsOptions::Version::tls1_2;
    /// False: any server is accepted, whatever its certificate, so an attacker on the way can read everything. Only the
    /// test clients of the command line have this choice.
    bool verifies_server = true;
};

/// Reads the files and checks them. An open connection keeps the context with which it began.
Result<std::shared_ptr<const TlsContext>, TlsProblem> make_tls_client(const TlsClientOptions& options);

/// Checks the files without using them. The error is the one of make_tls_client(). The result is a list of notes about
/// allowed but doubtful facts, such as a key that everybody may read or a certificate that has expired.
Result<std::vector<std::string>, TlsProblem> check_tls_client(const TlsClientOptions& options);

/// The files that the options name. When one of them changes, a new context must be made.
std::vector<std::string> files_of(const TlsClientOptions& options);

}  // namespace ledge::net
