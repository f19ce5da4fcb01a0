#include "ledge/auth/acl_rules.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace ledge::auth {

void RuleSet::seal() {
    std::stable_partition(rules_.begin(), rules_.end(), [](const AclRule& rule) { return rule.is_denial; });
    rules_.shrink_to_fit();
    has_pattern_denial_ =
        std::ranges::any_of(rules_, [](const AclRule& rule) { return rule.is_denial && rule.has_placeholders(); });
    if (rules_.size() > unindexed_max) build_index();
}

/// The levels that stand there as they are: in front of wildcards and of placeholders.
RuleSet::Beginning RuleSet::beginning_of(const AclRule& rule, std::uint32_t& levels) {
    Beginning beginning;
    std::string_view rest = rule.filter;
    for (levels = 0; beginning.has_more; ++levels) {
        const std::string_view level = rest.substr(0, rest.find('/'));
        const bool is_wildcard = level == "+" || level == "#";
        const auto has = [&](std::string_view name) { return level.find(name) != std::string_view::npos; };
        if (is_wildcard || (rule.has_placeholders() && (has("%u") || has("%c")))) break;
        beginning.take_level(rest);
    }
    return beginning;
}

void RuleSet::build_index() {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> found;
    found.reserve(rules_.size());
    for (std::uint32_t i = 0; i < rules_.size(); ++i) {
        std::uint32_t levels = 0;
        found.emplace_back(beginning_of(rules_[i], levels).hash, i);
        deepest_ = std::max(deepest_, levels);
    }
    std::ranges::sort(found);
    const auto distinct = [&](std::size_t i) { return i == 0 || found[i].first != found[i - 1].first; };
    std::size_t count = 0;
    for (std::size_t i = 0; i < found.size(); ++i) count += distinct(i) ? 1U : 0U;
    buckets_.resize(std::bit_ceil(2 * count));
    order_.reserve(found.size());
    std::size_t slot = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (distinct(i)) {
            slot = slot_of(found[i].first);
            while (buckets_[slot].count != 0) slot = (slot + 1) & (buckets_.size() - 1);
            buckets_[slot] = {found[i].first, static_cast<std::uint32_t>(i), 0};
        }
        ++buckets_[slot].count;
        order_.push_back(found[i].second);
    }
}

}  // namespace ledge::auth
