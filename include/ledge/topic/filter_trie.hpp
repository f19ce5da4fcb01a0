// FilterTrie stores topic filters and finds the filters that match a topic. Each shard has one, on its thread.
//
// Filters without wildcards are in a hash table over their whole text. Filters with wildcards are in a tree of levels;
// a match does not visit the tree while no such filter exists. src/topic/README.md draws the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/base/text_hash.hpp"
#include "ledge/topic/detail/id_table.hpp"
#include "ledge/topic/detail/level_tree.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/detail/text.hpp"

namespace ledge::topic {

/// Each filter has a FilterId, which is the number of its slot. The caller keeps its values in a vector indexed by this
/// number.
class FilterTrie {
public:
    struct Inserted {
        FilterId id;
        bool is_new;
    };

    /// `seed` is the secret of the hash, so that no client can choose filters or topics that collide.
    explicit FilterTrie(std::uint64_t seed);
    ~FilterTrie();
    FilterTrie(const FilterTrie&) = delete;
    FilterTrie& operator=(const FilterTrie&) = delete;

    /// Adds a filter, or returns the id of a filter that is already there. The filter must be valid (is_valid_filter),
    /// and "$share/group/" must have been removed.
    Inserted insert(std::string_view filter);

    std::optional<FilterId> find(std::string_view filter) const;

    /// Removes the filter `id`, which must be live, and releases all memory that only this filter needed. The next
    /// insert may return this id again.
    void erase(FilterId id);

    /// Appends the text of the live filter `id` to `out`.
    void append_filter(FilterId id, std::string& out) const;

    /// Appends the id of each filter that matches the valid topic: each id once, in no particular order. `out` is not
    /// cleared. A caller that uses the same vector again saves the allocations.
    /// Returns the number of tree nodes that were visited. This number is at most nodes(), because each node can be
    /// reached by one path only. The wildcard combinations of a hostile client therefore cost no more than the number
    /// of filters that this client may have.
    std::size_t match(std::string_view topic, std::vector<FilterId>& out) const;

    /// Returns the number of live filters. Every id is below the highest size() since the trie was last empty.
    std::size_t size() const { return slots_.size(); }

    /// Returns the nodes of the wildcard tree: at most one per level of each filter with wildcards, plus the root.
    std::size_t nodes() const { return tree_.nodes.size(); }

    /// Returns the heap memory in use, in bytes, without the allocator's own overhead. O(1).
    std::size_t bytes() const;

private:
    struct Node {
        std::uint32_t parent;
        detail::LevelId level;                     // the last level of the path to this node
        FilterId here = no_filter;                 // the filter that ends at this node
        FilterId below = no_filter;                // the filter of this path followed by '#'
        std::uint32_t plus = detail::none;         // the child for '+'
        std::uint32_t inner_child = detail::none;  // one literal child, which is not in the edge table
        detail::LevelId inner_level = detail::none;
        std::uint32_t edges = 0;  // number of literal children in the edge table

        /// True when no filter needs the node any more.
        bool is_unused() const;
        std::uint32_t next_free() const { return parent; }
        void set_next_free(std::uint32_t link) { parent = link; }
    };

    /// Where the text of a filter is: a heap block, or a path of the tree. A slot has 8 bytes (4 on 32-bit machines);
    /// its two low bits hold the kind.
    class Slot {
    public:
        enum class Kind : std::uint8_t {
            text,       // a filter without wildcards: the address of its text
            node,       // the filter that ends at this node
            node_hash,  // the filter that ends in '#' below this node
            free,       // no filter: the link of the free list
        };

        static Slot of_text(detail::Text* text) { return Slot(reinterpret_cast<std::uintptr_t>(text)); }
        static Slot of_node(std::uint32_t node, bool is_hash) {
            return Slot((std::uintptr_t{node} << 2U) |
                        static_cast<std::uintptr_t>(is_hash ? Kind::node_hash : Kind::node));
        }

        // A heap block is aligned to at least four bytes, so the two low bits of its address are 0 = Kind::text.
        Kind kind() const { return static_cast<Kind>(bits_ & 3U); }
        detail::Text* text() const { return reinterpret_cast<detail::Text*>(bits_); }
        std::uint32_t number() const { return static_cast<std::uint32_t>(bits_ >> 2U); }

        std::uint32_t next_free() const { return number(); }
        void set_next_free(std::uint32_t link) {
            bits_ = (std::uintptr_t{link} << 2U) | static_cast<std::uintptr_t>(Kind::free);
        }

        Slot() = default;

    private:
        explicit Slot(std::uintptr_t bits) : bits_(bits) {}
        std::uintptr_t bits_;
    };

    class Walk;

    FilterId find_exact(std::string_view text, std::uint32_t hash) const;
    FilterId find_wildcard(std::string_view filter) const;
    Inserted insert_exact(std::string_view filter);
    Inserted insert_wildcard(std::string_view filter);
    std::uint32_t child(const Node& node, std::uint32_t number, detail::LevelId level) const;
    std::uint32_t child_for_insert(std::uint32_t parent, std::string_view level);
    void unlink(std::uint32_t child);
    void prune(std::uint32_t node);

    TextHash hash_;
    detail::Pool<Slot> slots_;
    detail::IdTable exact_;
    std::size_t text_bytes_ = 0;
    detail::LevelTree<Node> tree_;
};

}  // namespace ledge::topic
