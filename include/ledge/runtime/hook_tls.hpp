// TLS to the authentication hook, for those who check its files before BrokerLoop uses them.
#pragma once

#include "ledge/auth/hook.hpp"
#include "ledge/net/tls_client.hpp"

namespace ledge::runtime {

/// Of a hook with is_tls.
net::TlsClientOptions hook_tls(const auth::HookOptions& options);

}  // namespace ledge::runtime
