// OfferedSockets: what a listener gets instead of binding its own sockets. The owner of the sockets makes the object
// for one call.
#pragma once

#include <string>

namespace ledge::os {
class GivenSockets;
}

namespace ledge::transport {

/// Sockets that another process has opened for this one. A listener uses those that fit it instead of new ones.
struct OfferedSockets {
    os::GivenSockets* sockets = nullptr;  // nullptr = none
    std::string listener{};               // the name of the listener, by which sockets may be meant
};

}  // namespace ledge::transport
