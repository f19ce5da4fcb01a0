#include "ledge/session/topic_alias.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::session {

bool InboundAliases::set(std::uint32_t alias, std::string_view topic, std::uint32_t maximum) {
    if (alias == 0 || alias > maximum) return false;
    if (topics_.size() < alias) topics_.resize(alias);
    topics_[alias - 1].assign(topic);
    return true;
}

std::optional<std::string_view> InboundAliases::resolve(std::uint32_t alias) const {
    if (alias == 0 || alias > topics_.size() || topics_[alias - 1].empty()) return std::nullopt;
    return topics_[alias - 1];
}

OutboundAliases::Choice OutboundAliases::choose(std::string_view topic) {
    LEDGE_ASSERT(maximum_ > 0);
    ++uses_;
    unestablished_ = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].topic != topic) continue;
        entries_[i].last_used = uses_;
        return {static_cast<std::uint16_t>(i + 1), true};
    }
    // The first time a topic is sent, only a hash is kept: most topics that are sent once are never sent again.
    const std::uint64_t fingerprint = hash(topic);
    if (std::find(seen_once_.begin(), seen_once_.end(), fingerprint) == seen_once_.end()) {
        if (seen_once_.size() < maximum_)
            seen_once_.push_back(fingerprint);
        else
            seen_once_[seen_next_++ % maximum_] = fingerprint;
        return {};
    }
    if (entries_.size() < maximum_) {
        entries_.push_back({std::string(topic), uses_});
        unestablished_ = entries_.size();
        return {static_cast<std::uint16_t>(unestablished_), false};
    }
    // All aliases are in use: the topic that was not sent for the longest time loses its alias.
    const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                         [](const Entry& a, const Entry& b) { return a.last_used < b.last_used; });
    oldest->topic.assign(topic);
    oldest->last_used = uses_;
    unestablished_ = static_cast<std::size_t>(oldest - entries_.begin()) + 1;
    return {static_cast<std::uint16_t>(unestablished_), false};
}

void OutboundAliases::take_back() {
    if (unestablished_ == 0) return;
    // No topic has the empty name, so this entry is never found, and it is the first to be replaced.
    entries_[unestablished_ - 1] = {};
    unestablished_ = 0;
}

// FNV-1a. A collision does no harm: a topic gets its alias one message too early.
std::uint64_t OutboundAliases::hash(std::string_view topic) {
    std::uint64_t value = 0xcbf29ce484222325U;
    for (const char c : topic) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return value;
}

}  // namespace ledge::session
