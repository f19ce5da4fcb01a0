// RuleSet: the rules of one owner, in the order in which they decide, with an index. The index finds the few rules that
// can match a topic. The index is a trie of the levels of the filters, stored as a flat table of hashed paths. A node
// has two kinds of branches: one for '+' and for levels with placeholders, and one for each text of a level. A '#' ends
// a path. A lookup follows the branches that exist, and checks each rule at the end of a path. Owned by its AclOwner.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/access.hpp"
#include "ledge/topic/levels.hpp"

namespace ledge::auth {

struct AclRule {
    /// The shape decides how the rule is matched. AclBuilder sets the shape once.
    enum class Shape : std::uint8_t { exact, subtree, wildcards, pattern };

    std::string filter;
    std::uint32_t line = 0;
    std::uint32_t owner = 0;  // number of the owner in the Acl
    Access access = Access::read_write;
    bool is_denial = false;
    Shape shape = Shape::exact;
    bool names_user = false;    // has %u
    bool names_client = false;  // has %c

    bool concerns(Access wanted) const { return (static_cast<unsigned>(access) & static_cast<unsigned>(wanted)) != 0; }
    bool has_placeholders() const { return names_user || names_client; }
};

class RuleSet {
public:
    static constexpr std::size_t unindexed_max = 6;  // up to this number of rules, checking each one is faster

    void add(AclRule rule) { rules_.push_back(std::move(rule)); }
    /// Ends the adding of rules, and builds the index. Denials move to the front; otherwise the order stays.
    void seal();

    const std::vector<AclRule>& all() const { return rules_; }
    bool empty() const { return rules_.empty(); }
    /// True if some denial contains %u or %c.
    bool has_pattern_denial() const { return has_pattern_denial_; }

    /// Returns the first rule for which `decides(rule)` is true, or nullptr. `decides` must be false for a rule that
    /// does not match the topic. The set must be sealed.
    template <class Decides>
    const AclRule* first(std::string_view topic, const Decides& decides) const {
        if (nodes_.empty()) {
            for (const AclRule& rule : rules_)
                if (decides(rule)) return &rule;
            return nullptr;
        }
        std::uint32_t best = none;
        walk(*find(root), topic::LevelSplitter(topic), decides, best);
        return best == none ? nullptr : &rules_[best];
    }

private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::uint64_t root = 1;

    /// The end of a path. The rules whose filter ends here are a part of order_. Two paths with equal hashes share a
    /// node. This costs only time, because a lookup checks each rule that it finds.
    struct Node {
        std::uint64_t hash = 0;   // hash of the path; 0 = the slot is free
        std::uint32_t first = 0;  // index in order_
        std::uint32_t count = 0;
    };

    static std::uint64_t hash_of(std::string_view level) {
        std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;  // FNV-1a
        for (const char c : level) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
        return hash;
    }
    /// The hash of a path that is one level longer. The result is odd, so it is never 0.
    static std::uint64_t below(std::uint64_t path, std::uint64_t level) {
        const std::uint64_t mixed = (path ^ (level + (path << 6U))) * 0x9e37'79b9'7f4a'7c15U;
        return (mixed ^ (mixed >> 29U)) | 1U;
    }
    static std::vector<std::uint64_t> path_of(const AclRule& rule);
    void build_index();
    std::size_t slot_of(std::uint64_t path) const { return (path >> 32U) & (nodes_.size() - 1); }

    const Node* find(std::uint64_t path) const {
        std::size_t slot = slot_of(path);
        while (nodes_[slot].hash != path) {
            if (nodes_[slot].hash == 0) return nullptr;
            slot = (slot + 1) & (nodes_.size() - 1);
        }
        return &nodes_[slot];
    }

    /// Lowers `best` to the index of the first rule that decides. The recursion is at most as deep as the longest
    /// filter has levels, and so at most topic::levels_hard_max.
    template <class Decides>
    void walk(const Node& node, topic::LevelSplitter rest, const Decides& decides, std::uint32_t& best) const {
        // The indexes are ascending, so no later rule of the node can be better than `best`.
        for (std::uint32_t i = node.first; i < node.first + node.count && order_[i] < best; ++i)
            if (decides(rules_[order_[i]])) best = order_[i];
        if (rest.is_done()) return;
        const std::uint64_t level = hash_of(rest.next());
        if (const Node* next = find(below(node.hash, level))) walk(*next, rest, decides, best);
        if (const Node* next = find(below(node.hash, any_level))) walk(*next, rest, decides, best);
    }
    static constexpr std::uint64_t any_level = 2;

    std::vector<AclRule> rules_;
    std::vector<std::uint32_t> order_;  // indexes in rules_, ascending within a node
    std::vector<Node> nodes_;           // a power of two, at most half full; empty = there is no index
    bool has_pattern_denial_ = false;
};

}  // namespace ledge::auth
