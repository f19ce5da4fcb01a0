// RelayLog: writes the events of a relay to the log. An upstream may refuse thousands of messages a second, so lines
// about single messages have a pause, and the next line tells how many were left out. Owned by Uplink.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/relay_event.hpp"

namespace ledge::uplink {

class RelayLog {
public:
    /// `bridge`: the name in each line. `pause`: between two lines about single messages of one kind.
    RelayLog(const Log& log, std::string bridge, Duration pause);

    /// Writes the line of this event, if it has one. The owner writes those of the kinds connected, relaying, proven
    /// and ended.
    void tell(const bridge::RelayEvent& event, Instant now);

private:
    struct Pace {
        Instant next{};             // when the next line may be written
        std::uint64_t skipped = 0;  // events without a line since the last one
    };
    static constexpr std::size_t kinds = static_cast<std::size_t>(bridge::RelayEvent::Kind::upstream_session_lost) + 1;

    void tell_message(const bridge::RelayEvent& event, Instant now);

    const Log& log_;
    std::string bridge_;
    Duration pause_;
    std::array<Pace, kinds> paces_{};
};

}  // namespace ledge::uplink
