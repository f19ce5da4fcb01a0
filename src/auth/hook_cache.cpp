// The table of the hook's answers, and its order by age.
#include "ledge/auth/hook_cache.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/assert.hpp"

namespace ledge::auth {

std::size_t HookCache::Hash::operator()(const Digest& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

/// An answer of the former hook may be wrong for the new one, so all answers are forgotten.
void HookCache::set_options(const HookOptions& options) {
    options_ = options;
    entries_.clear();
    order_.clear();
}

std::optional<LoginOutcome> HookCache::find(const HookQuestion& question, Instant now) const {
    if (entries_.empty()) return std::nullopt;
    const auto found = entries_.find(digest_of(question));
    if (found == entries_.end() || now >= found->second.kept_until) return std::nullopt;
    LoginOutcome outcome = found->second.outcome;
    if (outcome.valid_for) outcome.valid_for = found->second.valid_until - now;  // the time that is left
    return outcome;
}

void HookCache::put(const HookQuestion& question, const LoginOutcome& outcome, Instant now) {
    const bool is_yes = outcome.code == wire::ReasonCode::success;
    Duration time = is_yes ? options_.cache_time : options_.cache_time_denied;
    if (outcome.valid_for) time = std::min(time, *outcome.valid_for);
    if (time <= Duration::zero() || options_.cached_max == 0) return;
    const Digest digest = digest_of(question);
    if (entries_.find(digest) == entries_.end()) make_room();
    const Instant valid_until = outcome.valid_for ? now + *outcome.valid_for : never;
    entries_.insert_or_assign(digest, Entry{outcome, now + time, valid_until, ++last_number_});
    order_.push_back({digest, last_number_});
    LEDGE_ASSERT(entries_.size() <= options_.cached_max);
    // Entries that are stored again leave outdated places behind. Remove them before they fill the memory.
    if (order_.size() > 2 * std::size_t{options_.cached_max}) {
        std::erase_if(order_, [&](const Place& place) {
            const auto found = entries_.find(place.digest);
            return found == entries_.end() || found->second.number != place.number;
        });
    }
}

/// Removes the oldest entries until there is room for one more.
void HookCache::make_room() {
    while (entries_.size() >= options_.cached_max && !order_.empty()) {
        const auto oldest = entries_.find(order_.front().digest);
        if (oldest != entries_.end() && oldest->second.number == order_.front().number) entries_.erase(oldest);
        order_.pop_front();
    }
}

/// The keyed digest of a question. Each part of the digested text begins with its length, so two different questions
/// never have the same text.
HookCache::Digest HookCache::digest_of(const HookQuestion& question) const {
    std::string text;
    const auto add = [&text](std::optional<std::string_view> part) {
        text.append(part ? std::to_string(part->size()) : "-").append(":").append(part.value_or(""));
    };
    add(question.user_name);
    add(question.password ? std::optional(as_text(question.password->bytes())) : std::nullopt);
    add(question.client_id);
    add(question.address);
    add(question.listener);
    const Digest digest = hmac_sha256(key_, as_bytes(text));
    wipe(text.data(), text.size());
    return digest;
}

}  // namespace ledge::auth
