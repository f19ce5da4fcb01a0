// Each pair of event and address has a token bucket, and each event has one more for all addresses. A line is written
// only if both have tokens.
#include "log_limiter.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/network.hpp"

namespace ledge::daemon {
namespace {

// A bucket gains whole tokens per second, but an address gets one line in five seconds. So its bucket gains one token
// per second, and a line costs five.
constexpr std::uint32_t tokens_of_line = LogLimiter::seconds_per_line;

/// key := event "\0" address. No event name contains a zero byte.
std::string key_of(std::string_view event, std::string_view address) {
    std::string key(event);
    key += '\0';
    key += address;
    return key;
}

/// The address of the record, without the port; of IPv6 the network. "" if the record has none.
std::string address_in(const LogRecord& record) {
    const auto found = std::ranges::find(record.fields, std::string_view("address"), &LogField::key);
    if (found == record.fields.end()) return {};
    const auto* text = std::get_if<std::string_view>(&found->value);
    // One host can have every address of an IPv6 network of 64 bits, so such a network counts as one address.
    return text == nullptr ? std::string() : to_text(network_of(*text));
}

}  // namespace

bool LogLimiter::admits(const LogRecord& record, Instant now) {
    const std::string address = address_in(record);
    // A record without an address cannot be charged to a peer, so only the rate of its event limits it.
    if (!address.empty()) {
        Entry& mine = of_address(record.event, address, now);
        mine.bucket.refill(now);
        if (!mine.bucket.is_ready()) return leave_out(mine, now), false;
        mine.bucket.take(tokens_of_line);
    }
    Entry& all = of_event(record.event, now);  // second, so that lines refused to one address cost the others nothing
    all.bucket.refill(now);
    if (!all.bucket.is_ready()) return leave_out(all, now), false;
    all.bucket.take(1);
    return true;
}

/// The entry of an event for all addresses. There are few events, so these entries are never removed for room.
LogLimiter::Entry& LogLimiter::of_event(std::string_view event, Instant now) {
    return entries_.try_emplace(key_of(event, {}), Entry{TokenBucket(lines_per_second, burst_of_event, now)})
        .first->second;
}

/// The entry of an address. When the table is full of addresses that caused lines recently, further addresses share one
/// entry for each event. The shared entry has the rate of a whole event, so that a flood from many addresses does not
/// silence a new address at once.
LogLimiter::Entry& LogLimiter::of_address(std::string_view event, std::string_view address, Instant now) {
    const auto found = entries_.find(key_of(event, address));
    if (found != entries_.end()) return found->second;
    // An attacker with many addresses must not make the table grow without end.
    if (entries_.size() >= entries_max && !make_room(now))
        return entries_
            .try_emplace(key_of(event, "*"),
                         Entry{TokenBucket(lines_per_second * tokens_of_line, burst_of_event * tokens_of_line, now)})
            .first->second;
    return entries_.try_emplace(key_of(event, address), Entry{TokenBucket(1, burst_of_address * tokens_of_line, now)})
        .first->second;
}

/// Removes the entries that hold nothing: no line left out, and all tokens there. A new entry would be equal to them.
/// False: there is no room.
bool LogLimiter::make_room(Instant now) {
    // One sweep visits every entry, so a flood of new addresses must not cause a sweep for each line.
    if (now < swept_at_ + std::chrono::seconds(1)) return false;
    swept_at_ = now;
    for (auto& [key, entry] : entries_) entry.bucket.refill(now);
    return std::erase_if(entries_, [now](const Entries::value_type& item) {
               return item.second.left_out == 0 && item.second.bucket.full_at() <= now;
           }) > 0;
}

void LogLimiter::leave_out(Entry& entry, Instant now) {
    // The first line decides when a report is due while the flood lasts, the last line when the flood has ended.
    if (entry.left_out++ == 0) {
        ++entries_with_count_;
        entry.first_left_out = now;
    }
    entry.last_left_out = now;
}

template <class IsDue>
std::vector<LogLimiter::LeftOut> LogLimiter::take_if(std::size_t max, const IsDue& is_due) {
    // "*" is the address of the shared entry.
    std::vector<LeftOut> due;
    for (auto& [key, entry] : entries_) {
        // Without a bound, the reports about many addresses would be a flood of their own.
        if (due.size() == max) break;
        if (entry.left_out == 0 || !is_due(entry)) continue;
        const std::size_t zero = key.find('\0');
        LEDGE_ASSERT(zero != std::string::npos);
        LEDGE_ASSERT(entries_with_count_ > 0);
        const std::string address = key.substr(zero + 1);
        due.push_back({key.substr(0, zero), address == "*" ? "" : address, entry.left_out});
        entry.left_out = 0;
        --entries_with_count_;
    }
    return due;
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_due(Instant now) {
    return take_if(reports_max, [now](const Entry& entry) {
        // A short flood is reported once, after it has ended. A long one is reported in each report_time.
        return now >= entry.last_left_out + quiet_time || now >= entry.first_left_out + report_time;
    });
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_all() {
    return take_if(entries_.size(), [](const Entry&) { return true; });
}

}  // namespace ledge::daemon
