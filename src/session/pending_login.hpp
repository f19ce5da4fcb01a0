// A connection between its CONNECT and the verdict on its password, or its turn after a take-over.
#pragma once

#include <string>
#include <vector>

#include "ledge/auth/login_guard.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::session {

struct PendingLogin {
    auth::Secret connect_frame;    // CONNECT, kept until the verdict
    std::vector<Byte> held_input;  // what came after it [MQTT-3.1.4-6]: not looked at before the verdict
    auth::LoginSource source{};
    std::string client_id{};  // of one that is postponed, chosen by us if the client left it empty
};

}  // namespace ledge::session
