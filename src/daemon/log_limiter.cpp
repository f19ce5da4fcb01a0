#include "log_limiter.hpp"

#include <algorithm>

#include "ledge/base/network.hpp"

namespace ledge::daemon {
namespace {

// The tokens of an address are fifths of a line and the like: a bucket counts whole tokens a second.
constexpr std::uint32_t tokens_of_line = LogLimiter::seconds_per_line;

std::string key_of(std::string_view event, std::string_view address) {
    std::string key(event);
    key += '\0';
    key += address;
    return key;
}

std::string address_in(const LogRecord& record) {
    const auto found = std::ranges::find(record.fields, std::string_view("address"), &LogField::key);
    if (found == record.fields.end()) return {};
    const auto* text = std::get_if<std::string_view>(&found->value);
    return text == nullptr ? std::string() : to_text(network_of(*text));
}

}  // namespace

bool LogLimiter::admits(const LogRecord& record, Instant now) {
    const std::string address = address_in(record);
    if (!address.empty()) {
        Entry& mine = of_address(record.event, address, now);
        mine.bucket.refill(now);
        if (!mine.bucket.is_ready()) return leave_out(mine, now), false;
        mine.bucket.take(tokens_of_line);
    }
    Entry& all = of_event(record.event, now);  // last: what one address is denied costs the others nothing
    all.bucket.refill(now);
    if (!all.bucket.is_ready()) return leave_out(all, now), false;
    all.bucket.take(1);
    return true;
}

/// Events are few and stay.
LogLimiter::Entry& LogLimiter::of_event(std::string_view event, Instant now) {
    return entries_.try_emplace(key_of(event, {}), Entry{TokenBucket(lines_per_second, burst_of_event, now)})
        .first->second;
}

/// When the table is full of addresses that were loud lately, further ones share one entry for each event. That entry
/// has the rate of an event, so that a flood from many addresses does not silence a new one at once.
LogLimiter::Entry& LogLimiter::of_address(std::string_view event, std::string_view address, Instant now) {
    const auto found = entries_.find(key_of(event, address));
    if (found != entries_.end()) return found->second;
    if (entries_.size() >= entries_max && !make_room(now))
        return entries_
            .try_emplace(key_of(event, "*"),
                         Entry{TokenBucket(lines_per_second * tokens_of_line, burst_of_event * tokens_of_line, now)})
            .first->second;
    return entries_.try_emplace(key_of(event, address), Entry{TokenBucket(1, burst_of_address * tokens_of_line, now)})
        .first->second;
}

/// Forgets the entries that a new one would equal: nothing left out, all tokens there.
bool LogLimiter::make_room(Instant now) {
    if (now < swept_at_ + std::chrono::seconds(1)) return false;
    swept_at_ = now;
    for (auto& [key, entry] : entries_) entry.bucket.refill(now);
    return std::erase_if(entries_, [now](const Entries::value_type& item) {
               return item.second.left_out == 0 && item.second.bucket.full_at() <= now;
           }) > 0;
}

void LogLimiter::leave_out(Entry& entry, Instant now) {
    if (entry.left_out++ == 0) {
        ++entries_with_count_;
        entry.first_left_out = now;
    }
    entry.last_left_out = now;
}

template <class IsDue>
std::vector<LogLimiter::LeftOut> LogLimiter::take_if(std::size_t max, const IsDue& is_due) {
    std::vector<LeftOut> due;
    for (auto& [key, entry] : entries_) {
        if (due.size() == max) break;
        if (entry.left_out == 0 || !is_due(entry)) continue;
        const std::size_t zero = key.find('\0');
        const std::string address = key.substr(zero + 1);
        due.push_back({key.substr(0, zero), address == "*" ? "" : address, entry.left_out});
        entry.left_out = 0;
        --entries_with_count_;
    }
    return due;
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_due(Instant now) {
    return take_if(reports_max, [now](const Entry& entry) {
        return now >= entry.last_left_out + quiet_time || now >= entry.first_left_out + report_time;
    });
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_all() {
    return take_if(entries_.size(), [](const Entry&) { return true; });
}

}  // namespace ledge::daemon
