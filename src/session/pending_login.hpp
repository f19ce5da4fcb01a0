// A connection between its CONNECT and the verdict on its password.
#pragma once

#include <vector>

#include "ledge/auth/password_hash.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::session {

struct PendingLogin {
    auth::Secret connect_frame;    // CONNECT, kept until the verdict
    std::vector<Byte> held_input;  // what came after it [MQTT-3.1.4-6]: not looked at before the verdict
};

}  // namespace ledge::session
