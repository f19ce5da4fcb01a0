// RuleSet: the rules of one owner, in the order in which they decide, and an index that finds the few which can match a
// topic: by the levels in front of the first wildcard. A topic of n levels is looked up n + 1 times, however many rules
// there are; those with the same beginning are tried one by one.
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

    /// The first rule that `decides`, among those whose beginning is that of the topic; nullptr: none. Sealed.
    template <class Decides>
    const AclRule* first(std::string_view topic, const Decides& decides) const {
        if (buckets_.empty()) {
            for (const AclRule& rule : rules_)
                if (decides(rule)) return &rule;
            return nullptr;
        }
        std::uint32_t best = none;
        Beginning beginning;
        for (std::uint32_t levels = 0; levels <= deepest_; ++levels) {
            look_into(beginning.hash, decides, best);
            if (levels == deepest_ || !beginning.take_level(topic)) break;
        }
        return best == none ? nullptr : &rules_[best];
    }

private:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

    /// The hash of a topic's first levels. Equal hashes of different ones only cost time: the rule is tried.
    struct Beginning {
        std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;  // FNV-1a
        bool has_more = true;

        void mix(char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U; }
        /// Moves the first level of `rest` into the hash; false: there is none.
        bool take_level(std::string_view& rest) {
            if (!has_more) return false;
            std::size_t at = 0;
            for (; at < rest.size() && rest[at] != '/'; ++at) mix(rest[at]);
            has_more = at < rest.size();
            rest.remove_prefix(has_more ? at + 1 : at);
            mix('/');
            return true;
        }
    };
    /// Rules with the same beginning: a stretch of order_.
    struct Bucket {
        std::uint64_t hash = 0;
        std::uint32_t first = 0;
        std::uint32_t count = 0;  // 0: free
    };

    static Beginning beginning_of(const AclRule& rule, std::uint32_t& levels);
    void build_index();
    std::size_t slot_of(std::uint64_t hash) const { return (hash ^ (hash >> 32U)) & (buckets_.size() - 1); }

    template <class Decides>
    void look_into(std::uint64_t hash, const Decides& decides, std::uint32_t& best) const {
        std::size_t slot = slot_of(hash);
        while (buckets_[slot].count != 0 && buckets_[slot].hash != hash) slot = (slot + 1) & (buckets_.size() - 1);
        const Bucket& bucket = buckets_[slot];
        for (std::uint32_t i = 0; i < bucket.count && order_[bucket.first + i] < best; ++i)
            if (decides(rules_[order_[bucket.first + i]])) best = order_[bucket.first + i];
    }

    std::vector<AclRule> rules_;
    std::vector<std::uint32_t> order_;  // places in rules_, ascending within a bucket
    std::vector<Bucket> buckets_;       // a power of two, at most half full; empty: no index
    std::uint32_t deepest_ = 0;         // levels of the longest beginning
    bool has_pattern_denial_ = false;
};

}  // namespace ledge::auth
