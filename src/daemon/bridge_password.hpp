// How the password of a bridge is made, as its configuration wants it.
#pragma once

#include "ledge/uplink/password.hpp"

namespace ledge::config {
struct BridgeSettings;
}

namespace ledge::daemon {

/// The hook is empty if the bridge has no password. Each call of the hook reads the files again.
uplink::PasswordHook password_hook(const config::BridgeSettings& settings);

}  // namespace ledge::daemon
