// RuleSet: sorts the rules of one owner and builds their index.
#include "ledge/auth/acl_rules.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::auth {

void RuleSet::seal() {
    // Denials come first, because a denial decides before every grant. Stable: within the denials and within the grants
    // the order of the file decides.
    std::stable_partition(rules_.begin(), rules_.end(), [](const AclRule& rule) { return rule.is_denial; });
    rules_.shrink_to_fit();
    has_pattern_denial_ =
        std::ranges::any_of(rules_, [](const AclRule& rule) { return rule.is_denial && rule.has_placeholders(); });
    if (rules_.size() > unindexed_max) build_index();
}

/// The hashes of all nodes on the path of the rule, from the root to the node where the filter ends.
std::vector<std::uint64_t> RuleSet::path_of(const AclRule& rule) {
    std::vector<std::uint64_t> path{root};
    for (topic::LevelSplitter levels(rule.filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        if (level == "#") break;  // "a/#" also matches "a", so the rule belongs to the node of "a"
        const auto has = [&](std::string_view name) { return level.find(name) != std::string_view::npos; };
        const bool is_any = level == "+" || (rule.has_placeholders() && (has("%u") || has("%c")));
        path.push_back(below(path.back(), is_any ? any_level : hash_of(level)));
    }
    return path;
}

void RuleSet::build_index() {
    LEDGE_ASSERT(nodes_.empty() && order_.empty());
    std::vector<std::uint64_t> paths;                           // the hashes of all nodes
    std::vector<std::pair<std::uint64_t, std::uint32_t>> ends;  // last node and index of each rule
    for (std::uint32_t i = 0; i < rules_.size(); ++i) {
        const std::vector<std::uint64_t> path = path_of(rules_[i]);
        paths.insert(paths.end(), path.begin(), path.end());
        ends.emplace_back(path.back(), i);
    }
    std::ranges::sort(paths);
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    // At least half of the slots stay empty, so a search always ends. With a power of two, a mask replaces the
    // division.
    nodes_.resize(std::bit_ceil(2 * paths.size()));
    // Sorted by node and then by index, so that the rules of a node are one part of order_, in ascending order.
    std::ranges::sort(ends);
    auto end = ends.begin();
    for (const std::uint64_t path : paths) {
        std::size_t slot = slot_of(path);
        while (nodes_[slot].hash != 0) slot = (slot + 1) & (nodes_.size() - 1);
        nodes_[slot] = {path, static_cast<std::uint32_t>(order_.size()), 0};
        for (; end != ends.end() && end->first == path; ++end, ++nodes_[slot].count) order_.push_back(end->second);
    }
}

}  // namespace ledge::auth
