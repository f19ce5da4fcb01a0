// How the password of a bridge is made, as its configuration wants it.
#pragma once

#include <chrono>

#include "ledge/runtime/clock.hpp"
#include "ledge/uplink/password.hpp"

namespace ledge::config {
struct BridgeSettings;
}

namespace ledge::daemon {

using WallClock = std::chrono::system_clock::time_point (*)();

/// The hook is empty if the bridge has no password. Each call of the hook reads the files again. Tokens are dated by
/// `clock`, which any thread may call.
uplink::PasswordHook password_hook(const config::BridgeSettings& settings, WallClock clock = runtime::read_wall_clock);

}  // namespace ledge::daemon
