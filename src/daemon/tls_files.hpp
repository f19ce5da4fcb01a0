// TLS as it is configured, and whether its files are what they should be.
#pragma once

#include "ledge/config/load.hpp"
#include "ledge/net/tls_options.hpp"

namespace ledge::daemon {

/// Of a listener whose url is mqtts://, wss:// or https://, for what is spoken over TLS there.
net::TlsOptions tls_options(const config::TlsSettings& settings, config::Endpoint::Protocol protocol);

/// Reads the files that the listeners and [admin.tls] name. Adds a complaint about the key that names a wrong one, with
/// its place, and notes about what is allowed but should be known.
void check_tls_files(config::Loaded& loaded);

/// The same for what [auth.http] names, if that is used.
void check_hook_files(config::Loaded& loaded);

}  // namespace ledge::daemon
