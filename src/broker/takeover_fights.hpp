// TakeoverFights: detects client identifiers that several connections take over from each other again and again. It
// remembers the recent takeovers of each client identifier and says how long the next one has to wait. Part of
// Lifecycle; on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"

namespace ledge::broker {

class TakeoverFights {
public:
    static constexpr Duration quiet_time = 30s;  // a fight is over after this time without a takeover
    static constexpr Duration turn_time = 5s;    // a connection keeps the session for this time in a fight; less than
                                                 // clients wait for CONNACK
    static constexpr std::uint64_t free_takeovers = 2;  // without delay: a client that reconnects over a bad link
    static constexpr std::size_t fights_max = 4096;     // remembered; if there are more, those that are over are
                                                        // forgotten; if none is over, all of them

    /// When the next connection may take the session over. A time not after `now` means that it need not wait.
    Instant turn_of(std::string_view client_id, Instant now) const;
    /// Counts a takeover. Returns the number of takeovers in this fight, this one included.
    std::uint64_t note(std::string_view client_id, Instant now);
    /// True for the first takeover beyond the free ones, and then each time the number has grown tenfold.
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
