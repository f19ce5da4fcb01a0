// TakeoverFights: client identifiers that several connections take from each other, again and again. It remembers the
// take-overs of the last seconds and says how long the next one has to wait.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"

namespace ledge::broker {

class TakeoverFights {
public:
    static constexpr Duration quiet_time = 30s;  // without a take-over: the fight is over
    static constexpr Duration turn_time = 5s;    // the session is kept so long; less than clients wait for CONNACK
    static constexpr std::uint64_t free_takeovers = 2;  // of a fight; a client that reconnects over a bad link does so
    static constexpr std::size_t fights_max = 4096;     // remembered; beyond, those that are over are forgotten, or all

    /// When the next connection may have the session; not after `now`: it need not wait.
    Instant turn_of(std::string_view client_id, Instant now) const;
    /// A take-over; how many the fight has had with it.
    std::uint64_t note(std::string_view client_id, Instant now);
    /// The first one that is a fight, and then each time it has become ten times as long.
    static bool is_worth_logging(std::uint64_t takeovers);

    std::size_t size() const { return fights_.size(); }

private:
    struct Fight {
        Instant last{};
        std::uint64_t takeovers = 0;
        bool is_over(Instant now) const { return now - last > quiet_time; }
    };
    void make_room(Instant now);

    boost::unordered_flat_map<std::string, Fight> fights_;
};

}  // namespace ledge::broker
