// TopicTree stores topic names (the topics with a retained message) and finds the topics that a filter matches. Each
// shard has one, on its thread. The caller keeps its values in a vector indexed by TopicId. src/topic/README.md draws
// the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/text_hash.hpp"
#include "ledge/topic/detail/level_tree.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::topic {

/// The slot number of a topic. Numbers are dense from 0, and the number of an erased topic is used again.
using TopicId = std::uint32_t;

class TopicTree {
public:
    struct Inserted {
        TopicId id;
        bool is_new;
    };

    /// `seed` is the secret of the hash, so that no client can choose topics that collide.
    explicit TopicTree(std::uint64_t seed);
    TopicTree(const TopicTree&) = delete;
    TopicTree& operator=(const TopicTree&) = delete;

    /// Adds a topic, or returns the id of a topic that is already there. The topic must be valid (is_valid_topic).
    Inserted insert(std::string_view topic);

    std::optional<TopicId> find(std::string_view topic) const;

    /// Removes the topic `id`, which must be live, and releases all memory that only this topic needed. The next insert
    /// may return this id again.
    void erase(TopicId id);

    /// Appends the name of the live topic `id` to `out`.
    void append_topic(TopicId id, std::string& out) const;

    /// Calls `f(TopicId)` for each topic that the valid filter (without "$share/group/") matches, until `f` returns
    /// false. Returns false if `f` has stopped the walk. The tree must not change during the walk. The walk neither
    /// recurses nor allocates. A leading wildcard does not match topics that start with '$' [MQTT-4.7.2-1].
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

    /// Appends those ids of `topics` that the filter matches, in their order. All of `topics` must be live. A caller
    /// can thus go through all topics in portions. Returns false when the whole tree certainly has no topic that the
    /// filter matches; the caller then needs no further portion. The cost is one check per id, matching or not.
    bool match_among(std::string_view filter, std::span<const TopicId> topics, std::vector<TopicId>& out) const;

    /// Returns the number of live topics. Every id is below the highest size() since the tree was last empty.
    std::size_t size() const { return slots_.size(); }

    /// Returns the heap memory in use, in bytes, without the allocator's own overhead. O(1).
    std::size_t bytes() const;

private:
    struct Node {
        std::uint32_t parent;
        detail::LevelId level;
        std::uint32_t first_child;
        std::uint32_t next_sibling;
        std::uint32_t previous_sibling;
        TopicId topic;  // the topic that ends at this node, or none

        std::uint32_t next_free() const { return parent; }
        void set_next_free(std::uint32_t link) { parent = link; }
    };

    /// The node at which a topic ends, or, if the top bit is set, the link to the next free slot.
    struct Slot {
        static constexpr std::uint32_t free_bit = 0x8000'0000U;
        std::uint32_t bits;

        bool is_live() const { return (bits & free_bit) == 0; }
        std::uint32_t next_free() const { return bits & ~free_bit; }
        void set_next_free(std::uint32_t link) { bits = link | free_bit; }
    };

    /// A filter split into levels: for each level the id of its text, or `plus`.
    struct Path {
        static constexpr std::uint32_t plus = detail::none - 1;

        Path(const TopicTree& tree, std::string_view filter);
        /// True if any level may stand at `depth`: the filter has '+' there, or its '#' covers this depth.
        bool is_wild(std::uint32_t depth) const { return depth >= count || levels[depth] == plus; }

        std::uint32_t levels[levels_hard_max];  // only the first `count` are set
        std::uint32_t count = 0;                // number of levels, without a final '#'
        bool ends_in_hash = false;
        bool cannot_match = false;  // the tree is empty, or no topic has one of the levels
    };

    /// The position of a walk, and its whole state: each node knows its parent and its next sibling.
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

    TextHash hash_;
    detail::Pool<Slot> slots_;
    detail::LevelTree<Node> tree_;
};

}  // namespace ledge::topic
