#include "ledge/session/applied_rules.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/queue_rules.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::session {

namespace {
constexpr std::uint64_t node_bytes = 48;       // of a map, beside the value
constexpr std::size_t removed_rows_few = 256;  // up to here, durable removals may stay in the list

bool matches_any(const std::vector<std::string>& filters, std::string_view topic) {
    return std::ranges::any_of(filters, [topic](const std::string& filter) { return topic::matches(filter, topic); });
}
}  // namespace

bool AppliedRules::excludes_publisher(std::string_view client_id) const {
    return !client_id.empty() && client_id == rules_.excluded_client;
}

bool AppliedRules::leaves_to_other(std::string_view topic) const { return matches_any(rules_.excluded, topic); }

const std::string& AppliedRules::other_client() const { return rules_.excluded_client; }

// Rounded up, so that no message is dropped before its time. 0 would mean that no time is recorded.
std::uint32_t AppliedRules::stamp(Instant now) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(now.time_since_epoch()).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 1, UINT32_MAX));
}

Instant AppliedRules::age_limit(std::uint32_t queued_s) const {
    if (rules_.age_max == Duration{} || queued_s == 0) return never;
    return Instant(std::chrono::seconds(queued_s)) + rules_.age_max;
}

bool AppliedRules::keeps_newest(std::string_view topic) const { return matches_any(rules_.last_value, topic); }

const AppliedRules::Place* AppliedRules::find(std::string_view topic) const {
    const auto found = newest_.find(topic);
    return found == newest_.end() ? nullptr : &found->second;
}

bool AppliedRules::set(std::string_view topic, const Place& place) {
    LEDGE_ASSERT(place.row != no_row);
    if (const auto found = newest_.find(topic); found != newest_.end()) {
        if (found->second.row <= place.row) found->second = place;
        return true;
    }
    if (newest_.size() >= topics_max || topic_bytes_ + topic.size() > topic_bytes_max) return false;
    newest_.emplace(topic, place);
    topic_bytes_ += topic.size();
    return true;
}

void AppliedRules::forget(std::string_view topic, QueueRow row) {
    const auto found = newest_.find(topic);
    // A newer message may have taken the place already.
    if (found == newest_.end() || found->second.row != row) return;
    topic_bytes_ -= found->first.size();
    newest_.erase(found);
}

void AppliedRules::forget(QueueRow row) {
    const auto found = std::ranges::find_if(newest_, [row](const auto& entry) { return entry.second.row == row; });
    if (found == newest_.end()) return;
    topic_bytes_ -= found->first.size();
    newest_.erase(found);
}

void AppliedRules::forget_tail() {
    std::erase_if(newest_, [this](const auto& entry) {
        if (entry.second.is_in_tail) topic_bytes_ -= entry.first.size();
        return entry.second.is_in_tail;
    });
}

void AppliedRules::begin_anew(QueueRow last) {
    newest_.clear();
    topic_bytes_ = 0;
    kept_until_ = last;
}

void AppliedRules::note_removed(QueueRow row, Ticket removal, const journal::Journal& journal) {
    // The limit doubles with the rows that have to stay, so each row is looked at a few times only.
    if (removed_.size() >= std::max(removed_check_at_, removed_rows_few)) {
        std::erase_if(removed_, [&](const auto& entry) { return journal.is_durable(entry.second); });
        removed_check_at_ = removed_.size() * 2;
    }
    removed_[row] = removal;
}

std::uint64_t AppliedRules::memory() const {
    return topic_bytes_ + newest_.size() * (node_bytes + sizeof(std::string) + sizeof(Place)) +
           removed_.size() * (node_bytes + sizeof(QueueRow) + sizeof(Ticket));
}

}  // namespace ledge::session
