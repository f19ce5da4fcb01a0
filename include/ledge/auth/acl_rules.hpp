// RuleSet: the rules of one owner, in the order in which they decide, and an index that finds the few which can match a
// topic: a trie of their levels, kept as hashes of paths. '+' and levels with placeholders are one branch, the level's
// text the other; '#' ends a path. A lookup follows the branches that exist, and tries the rules it meets.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace ledge::auth {

enum class Access : std::uint8_t { read = 1, write = 2, read_write = 3 };

struct AclRule {
    /// What decides how it is matched, found out once.
    enum class Shape : std::uint8_t { exact, subtree, wildcards, pattern };

    std::string filter;
    std::uint32_t line = 0;
    std::uint32_t owner = 0;  // its number in the Acl
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
    static constexpr std::size_t unindexed_max = 6;  // so few are tried faster than looked up

    void add(AclRule rule) { rules_.push_back(std::move(rule)); }
    /// No more come: denials go first, otherwise the order stays.
    void seal();

    const std::vector<AclRule>& all() const { return rules_; }
    bool empty() const { return rules_.empty(); }
    /// Some denial depends on the client's names.
    bool has_pattern_denial() const { return has_pattern_denial_; }

    /// The first rule that `decides`, which says no to rules that do not match the topic; nullptr: none. Sealed.
    template <class Decides>
    const AclRule* first(std::string_view topic, const Decides& decides) const {
        if (nodes_.empty()) {
            for (const AclRule& rule : rules_)
                if (decides(rule)) return &rule;
            return nullptr;
        }
        std::uint32_t best = none;
        walk(*find(root), topic, true, decides, best);
        return best == none ? nullptr : &rules_[best];
    }

private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::uint64_t root = 1;

    /// The end of a path: the rules that end there are a stretch of order_. Paths with equal hashes share a node, which
    /// only costs time: rules are tried.
    struct Node {
        std::uint64_t hash = 0;  // of the path; 0: free
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };

    static std::uint64_t hash_of(std::string_view level) {
        std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;  // FNV-1a
        for (const char c : level) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
        return hash;
    }
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

    /// As deep as the longest filter has levels, topic::levels_hard_max at most.
    template <class Decides>
    void walk(const Node& node, std::string_view rest, bool has_more, const Decides& decides,
              std::uint32_t& best) const {
        for (std::uint32_t i = node.first; i < node.first + node.count && order_[i] < best; ++i)
            if (decides(rules_[order_[i]])) best = order_[i];
        if (!has_more) return;
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != '/') ++end;
        has_more = end < rest.size();
        const std::string_view behind = has_more ? rest.substr(end + 1) : std::string_view();
        if (const Node* next = find(below(node.hash, hash_of(rest.substr(0, end)))))
            walk(*next, behind, has_more, decides, best);
        if (const Node* next = find(below(node.hash, any_level))) walk(*next, behind, has_more, decides, best);
    }
    static constexpr std::uint64_t any_level = 2;

    std::vector<AclRule> rules_;
    std::vector<std::uint32_t> order_;  // places in rules_, ascending within a node
    std::vector<Node> nodes_;           // a power of two, at most half full; empty: no index
    bool has_pattern_denial_ = false;
};

}  // namespace ledge::auth
