// LevelTree is the common part of FilterTrie and TopicTree: a pool of nodes, a table of level texts, and one table with
// the edges of all nodes. The key of an edge is (parent, level). The edge table stores only the number of the child,
// because the child itself stores its parent and its level.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/topic/detail/id_table.hpp"
#include "ledge/topic/detail/level_table.hpp"
#include "ledge/topic/detail/pool.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::topic::detail {

template <class Node>
struct LevelTree {
    static constexpr std::uint32_t root = 0;  // the first node taken from an empty pool

    explicit LevelTree(const TextHash& hash_in) : hash(hash_in), levels(hash_in) {}

    bool is_empty() const { return nodes.size() == 0; }

    std::uint32_t edge_hash(std::uint32_t parent, LevelId level) const { return hash(parent, level); }

    /// Returns the child of `parent` at `level` if the edge table has this child, or none.
    std::uint32_t edge(std::uint32_t parent, LevelId level) const {
        const auto is_it = [&](std::uint32_t id) { return nodes[id].parent == parent && nodes[id].level == level; };
        return edges.find(edge_hash(parent, level), is_it);
    }

    void prefetch_edge(std::uint32_t parent, LevelId level) const { edges.prefetch(edge_hash(parent, level)); }

    void add_edge(std::uint32_t node) { edges.insert(edge_hash(nodes[node].parent, nodes[node].level), node); }
    void erase_edge(std::uint32_t node) { edges.erase(edge_hash(nodes[node].parent, nodes[node].level), node); }

    /// Appends the levels of the path from the root to `node`, with '/' between them.
    void append_path(std::uint32_t node, std::string& out) const {
        std::array<LevelId, levels_hard_max> way;
        std::size_t depth = 0;
        for (; node != root; node = nodes[node].parent) {
            LEDGE_ASSERT(depth < levels_hard_max);
            way[depth++] = nodes[node].level;
        }
        while (depth > 0) {
            out += levels.text(way[--depth]);
            if (depth > 0) out += '/';
        }
    }

    std::size_t bytes() const { return levels.bytes() + nodes.bytes() + edges.bytes(); }

    const TextHash& hash;
    LevelTable levels;
    Pool<Node> nodes;
    IdTable edges;
};

}  // namespace ledge::topic::detail
