// FilterTrie: topic filters in, the ones that match a topic out. One per shard, on its thread.
//
// Filters without wildcards live in a hash over their whole text, filters with wildcards in a tree of levels that is
// not even looked at while there are none. src/topic/README.md draws the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/topic/detail/id_table.hpp"
#include "ledge/topic/detail/level_tree.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/detail/text.hpp"
#include "ledge/topic/detail/text_hash.hpp"

namespace ledge::topic {

/// A filter's slot number: dense from 0, given again after erase. A vector indexed by it holds the caller's values.
using FilterId = std::uint32_t;

class FilterTrie {
public:
    struct Inserted {
        FilterId id;
        bool is_new;
    };

    /// `seed`: secret of the hash, so that no client can choose filters or topics that collide.
    explicit FilterTrie(std::uint64_t seed);
    ~FilterTrie();
    FilterTrie(const FilterTrie&) = delete;
    FilterTrie& operator=(const FilterTrie&) = delete;

    /// Adds a valid filter (is_valid_filter; without its "$share/group/") or returns the id it has already.
    Inserted insert(std::string_view filter);

    std::optional<FilterId> find(std::string_view filter) const;

    /// `id` must be live. Everything that only this filter needed is released; the id may be given to the next insert.
    void erase(FilterId id);

    /// Appends the text of the live filter `id` to `out`.
    void append_filter(FilterId id, std::string& out) const;

    /// Appends the id of each filter that matches the valid topic, once each, in no promised order. `out` is not
    /// cleared and only grows when its capacity is too small: reuse it and nothing is allocated.
    /// Returns the work: how many tree nodes were visited. That is never more than nodes(), each of them is reached by
    /// one path only; so the wildcard combinations of a hostile client cost no more than the filters it may have.
    std::size_t match(std::string_view topic, std::vector<FilterId>& out) const;

    /// Live filters. Ids are below the highest size() there has been since the trie was last empty.
    std::size_t size() const { return slots_.size(); }

    /// Nodes of the wildcard tree: at most one per level of each filter with wildcards, plus the root.
    std::size_t nodes() const { return tree_.nodes.size(); }

    /// Heap memory held, in bytes, without the allocator's own overhead. O(1).
    std::size_t bytes() const;

private:
    struct Node {
        std::uint32_t parent;
        detail::LevelId level;                     // the last level of the path to here
        FilterId here = detail::none;              // the filter that ends here
        FilterId below = detail::none;             // the filter that ends in '#' right below
        std::uint32_t plus = detail::none;         // the child for '+'
        std::uint32_t inner_child = detail::none;  // one literal child, kept here and not in the edge table
        detail::LevelId inner_level = detail::none;
        std::uint32_t edges = 0;  // literal children in the edge table

        bool is_idle() const;
        std::uint32_t next_free() const { return parent; }
        void set_next_free(std::uint32_t link) { parent = link; }
    };

    /// Where a filter's text is: 8 bytes (4 on 32-bit machines), told apart by the two low bits.
    class Slot {
    public:
        enum class Kind : std::uint8_t { text, node, node_hash, free };

        static Slot of_text(detail::Text* text) { return Slot(reinterpret_cast<std::uintptr_t>(text)); }
        static Slot of_node(std::uint32_t node, bool is_hash) {
            return Slot((std::uintptr_t{node} << 2U) |
                        static_cast<std::uintptr_t>(is_hash ? Kind::node_hash : Kind::node));
        }

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

    detail::TextHash hash_;
    detail::Pool<Slot> slots_;
    detail::IdTable exact_;
    std::size_t text_bytes_ = 0;
    detail::LevelTree<Node> tree_;
};

}  // namespace ledge::topic
