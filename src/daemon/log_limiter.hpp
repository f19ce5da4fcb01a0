// LogLimiter: bounds the log lines that peers can cause. Each event has a rate for each address and a rate for all
// addresses together, so that neither one hostile client nor many of them can fill the disk. The lines that are left
// out are counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"

namespace ledge::daemon {

/// Owned by LogSink, under its mutex. Memory: at most `entries_max` times 250 bytes.
class LogLimiter {
public:
    static constexpr std::uint32_t burst_of_address = 100;  // lines of one event at once
    static constexpr std::uint32_t seconds_per_line = 5;    // after the burst, for one event from one address
    static constexpr std::uint32_t burst_of_event = 2'000;  // lines of one event at once, from all addresses
    static constexpr std::uint32_t lines_per_second = 10;   // after the burst
    static constexpr std::size_t entries_max =
        1'000;  // pairs of event and address; further pairs share one entry per event
    static constexpr Duration quiet_time =
        std::chrono::seconds(10);  // no line left out for so long: the flood has ended
    static constexpr Duration report_time = std::chrono::seconds(60);  // the interval of reports while a flood lasts
    static constexpr std::size_t reports_max = 5;  // reports per call of take_due(); the rest follow

    struct LeftOut {
        std::string event;
        std::string address;  // without the port; of IPv6 the network of 64 bits; "" = several addresses, or none
        std::uint64_t lines;
    };

    /// True: the line may be written. False: the line is left out, and has been counted.
    bool admits(const LogRecord& record, Instant now);
    /// Returns the counts that are due, at most reports_max, and sets them back to 0.
    std::vector<LeftOut> take_due(Instant now);
    /// Returns all counts and sets them back to 0. For the end of the process.
    std::vector<LeftOut> take_all();
    bool has_left_out() const { return entries_with_count_ > 0; }

private:
    struct Entry {
        TokenBucket bucket;
        std::uint64_t left_out = 0;
        Instant first_left_out{};
        Instant last_left_out{};
    };
    using Entries = std::unordered_map<std::string, Entry>;  // "event\0address"

    Entry& of_event(std::string_view event, Instant now);
    Entry& of_address(std::string_view event, std::string_view address, Instant now);
    bool make_room(Instant now);
    void leave_out(Entry& entry, Instant now);
    template <class IsDue>
    std::vector<LeftOut> take_if(std::size_t max, const IsDue& is_due);

    Entries entries_;
    Instant swept_at_{};  // the last sweep of make_room(), which sweeps once a second at most
    std::size_t entries_with_count_ = 0;
};

}  // namespace ledge::daemon
