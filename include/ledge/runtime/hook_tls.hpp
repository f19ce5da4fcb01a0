// TLS to the authentication hook. The daemon checks the files of these options before BrokerLoop uses them.
#pragma once

#include "ledge/auth/hook.hpp"
#include "ledge/net/tls_client.hpp"

namespace ledge::runtime {

/// The TLS options for the hook; requires `options.is_tls`.
net::TlsClientOptions hook_tls(const auth::HookOptions& options);

}  // namespace ledge::runtime
