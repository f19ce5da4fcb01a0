// Turns the TLS settings of the configuration into net::TlsOptions, and checks the files that they name.
#pragma once

#include "ledge/config/load.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::daemon {

/// The options of a listener whose url is mqtts://, wss:// or https://. `protocol` is the one above TLS; it decides the
/// default ALPN protocols.
net::TlsOptions tls_options(const config::TlsSettings& settings, config::Endpoint::Protocol protocol);

/// Reads the files that the listeners and [admin.tls] name. Adds a complaint about the key that names a wrong file,
/// with the place of that key, and notes for the operator.
void check_tls_files(config::Loaded& loaded);

/// As check_tls_files(), for the files that [auth.http] names. Does nothing without a hook over https://.
void check_hook_files(config::Loaded& loaded);

/// As check_tls_files(), for the files of bridges that connect over TLS.
void check_bridge_tls_files(config::Loaded& loaded);

}  // namespace ledge::daemon
