// TopicTree: topic names in (those with a retained message), the ones a filter matches out. One per shard, on its
// thread. The caller keeps its values in a vector indexed by TopicId. src/topic/README.md draws the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/topic/detail/level_tree.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/detail/text_hash.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::topic {

/// A topic's slot number: dense from 0, given again after erase.
using TopicId = std::uint32_t;

class TopicTree {
public:
    struct Inserted {
        TopicId id;
        bool is_new;
    };

    /// `seed`: secret of the hash, so that no client can choose topics that collide.
    explicit TopicTree(std::uint64_t seed);
    TopicTree(const TopicTree&) = delete;
    TopicTree& operator=(const TopicTree&) = delete;

    /// Adds a valid topic name (is_valid_topic) or returns the id it has already.
    Inserted insert(std::string_view topic);

    std::optional<TopicId> find(std::string_view topic) const;

    /// `id` must be live. Everything that only this topic needed is released; the id may be given to the next insert.
    void erase(TopicId id);

    /// Appends the name of the live topic `id` to `out`.
    void append_topic(TopicId id, std::string& out) const;

    /// Calls `f(TopicId)` for each topic that the valid filter (without "$share/group/") matches, until it returns
    /// false. False if it was stopped. The tree must not change meanwhile. Neither recursion nor allocation. A leading
    /// wildcard leaves out topics that start with '$' [MQTT-4.7.2-1].
    template <class F>
    bool for_each_match(std::string_view filter, F&& f) const {
        const Path path(*this, filter);
        for (Place at; next_match(path, at);) {
            if (!f(TopicId{tree_.nodes[at.node].topic})) return false;
        }
        return true;
    }

    /// Appends the id of each topic that the filter matches. Does not clear `out`.
    void match(std::string_view filter, std::vector<TopicId>& out) const;

    /// The same among `topics`, live ones, in their order: for a caller that looks at all of them in portions. False:
    /// the tree has no topic at all that the filter matches. Costs a look per id, matching or not.
    bool match_among(std::string_view filter, std::span<const TopicId> topics, std::vector<TopicId>& out) const;

    /// Live topics. Ids are below the highest size() there has been since the tree was last empty.
    std::size_t size() const { return slots_.size(); }

    /// Heap memory held, in bytes, without the allocator's own overhead. O(1).
    std::size_t bytes() const;

private:
    struct Node {
        std::uint32_t parent;
        detail::LevelId level;
        std::uint32_t first_child;
        std::uint32_t next_sibling;
        std::uint32_t previous_sibling;
        TopicId topic;  // the topic that ends here, or none

        std::uint32_t next_free() const { return parent; }
        void set_next_free(std::uint32_t link) { parent = link; }
    };

    /// The node a topic ends at, or (top bit set) the next free slot.
    struct Slot {
        static constexpr std::uint32_t free_bit = 0x8000'0000U;
        std::uint32_t bits;

        bool is_live() const { return (bits & free_bit) == 0; }
        std::uint32_t next_free() const { return bits & ~free_bit; }
        void set_next_free(std::uint32_t link) { bits = link | free_bit; }
    };

    /// A filter taken apart: per level the id of its text or `plus`.
    struct Path {
        static constexpr std::uint32_t plus = detail::none - 1;

        Path(const TopicTree& tree, std::string_view filter);
        bool is_wild(std::uint32_t depth) const { return depth >= count || levels[depth] == plus; }

        std::uint32_t levels[levels_hard_max];  // only the first `count` are set
        std::uint32_t count = 0;                // levels before the '#', if there is one
        bool ends_in_hash = false;
        bool is_hopeless = false;  // the tree is empty or has no topic with one of the levels
    };

    /// Where a walk is; its whole state, as a node knows its parent and its next sibling.
    struct Place {
        std::uint32_t node = detail::LevelTree<Node>::root;
        std::uint32_t depth = 0;
    };

    bool next_match(const Path& path, Place& at) const;
    bool step(const Path& path, Place& at) const;
    std::uint32_t candidate_below(const Path& path, Place at) const;
    std::uint32_t skip_dollar(std::uint32_t node) const;
    bool is_match(const Path& path, std::uint32_t node) const;
    std::uint32_t child(std::uint32_t parent, detail::LevelId level) const;
    std::uint32_t child(std::uint32_t parent, std::string_view level) const;
    std::uint32_t add_child(std::uint32_t parent, std::string_view level);
    void unlink(std::uint32_t child);
    void prune(std::uint32_t node);

    detail::TextHash hash_;
    detail::Pool<Slot> slots_;
    detail::LevelTree<Node> tree_;
};

}  // namespace ledge::topic
