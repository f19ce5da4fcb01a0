// LogLimiter: how many log lines each peer may cause. Each event has a rate for each address and one for all addresses
// together, so that neither one hostile client nor many of them fill the disk; a count says what was left out.
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

/// Used on one thread. Memory: at most `entries_max` times 250 bytes.
class LogLimiter {
public:
    static constexpr std::uint32_t burst_of_address = 100;  // lines of one event at once
    static constexpr std::uint32_t seconds_per_line = 5;    // afterwards, of one event from one address
    static constexpr std::uint32_t burst_of_event = 2'000;  // lines of one event at once, all addresses together
    static constexpr std::uint32_t lines_per_second = 10;   // afterwards
    static constexpr std::size_t entries_max = 1'000;       // pairs of event and address; further ones share one entry
    static constexpr Duration quiet_time = std::chrono::seconds(10);  // without a line left out: the flood has ended
    static constexpr Duration report_time =
        std::chrono::seconds(60);  // while a flood lasts, the count is said so often

    static constexpr std::size_t reports_max = 5;  // counts said in one second, the rest later

    struct LeftOut {
        std::string event;
        std::string address;  // without the port, an IPv6 network of 64 bits; empty: of several addresses or of none
        std::uint64_t lines;
    };

    /// May the line be written? Otherwise the line is counted.
    bool admits(const LogRecord& record, Instant now);
    /// The counts that are due, reports_max at most; they begin anew.
    std::vector<LeftOut> take_due(Instant now);
    /// All counts, for the end of the process.
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
    Instant swept_at_{};  // make_room() found nothing; not asked again at once
    std::size_t entries_with_count_ = 0;
};

}  // namespace ledge::daemon
