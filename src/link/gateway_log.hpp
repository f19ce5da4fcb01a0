// GatewayLog: log lines of a gateway's events. The core tells who connects and disconnects, so this file is silent
// about these two. Kinds that a peer can cause at will have one line in `pause`, and a count of the skipped ones.
#pragma once

#include <array>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/mqttsn/gateway_event.hpp"

namespace ledge::link {

class GatewayLog {
public:
    static constexpr Duration pause = 1s;

    /// `log` must outlive the object.
    GatewayLog(const Log& log, std::string listener) : log_(log), listener_(std::move(listener)) {}

    void tell(const mqttsn::GatewayEvent& event, Instant now);

private:
    struct Pace {
        Instant next{};
        unsigned skipped = 0;
    };

    const Log& log_;
    const std::string listener_;
    std::array<Pace, 8> paces_{};
};

}  // namespace ledge::link
