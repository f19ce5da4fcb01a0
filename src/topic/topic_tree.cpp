// TopicTree: the walk for a filter, and the adding and removing of topics.
#include "ledge/topic/topic_tree.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/topic/levels.hpp"

namespace ledge::topic {

using detail::LevelId;
using detail::none;

TopicTree::TopicTree(std::uint64_t seed) : hash_(seed), tree_(hash_) {}

std::size_t TopicTree::bytes() const { return slots_.bytes() + tree_.bytes(); }

TopicTree::Inserted TopicTree::insert(std::string_view topic) {
    LEDGE_ASSERT(!topic.empty() && count_levels(topic) <= levels_hard_max);
    if (tree_.is_empty()) tree_.nodes.take({none, none, none, none, none, none});  // the root
    std::uint32_t node = tree_.root;
    for (LevelSplitter levels(topic); !levels.is_done();) {
        const std::string_view level = levels.next();
        const std::uint32_t known = child(node, level);
        node = known != none ? known : add_child(node, level);
    }
    TopicId& place = tree_.nodes[node].topic;
    if (place != none) return {place, false};
    place = slots_.take({node});
    return {place, true};
}

std::optional<TopicId> TopicTree::find(std::string_view topic) const {
    if (tree_.is_empty()) return std::nullopt;
    std::uint32_t node = tree_.root;
    for (LevelSplitter levels(topic); !levels.is_done();) {
        node = child(node, levels.next());
        if (node == none) return std::nullopt;
    }
    const TopicId id = tree_.nodes[node].topic;
    return id == none ? std::nullopt : std::optional(id);
}

void TopicTree::erase(TopicId id) {
    LEDGE_ASSERT(id < slots_.used() && slots_[id].is_live());
    const std::uint32_t node = slots_[id].bits;
    tree_.nodes[node].topic = none;
    prune(node);
    slots_.give_back(id);
}

void TopicTree::append_topic(TopicId id, std::string& out) const {
    LEDGE_ASSERT(id < slots_.used() && slots_[id].is_live());
    tree_.append_path(slots_[id].bits, out);
}

void TopicTree::match(std::string_view filter, std::vector<TopicId>& out) const {
    for_each_match(filter, [&out](TopicId id) {
        out.push_back(id);
        return true;
    });
}

bool TopicTree::match_among(std::string_view filter, std::span<const TopicId> topics, std::vector<TopicId>& out) const {
    const Path path(*this, filter);
    if (path.cannot_match) return false;
    for (const TopicId topic : topics) {
        LEDGE_ASSERT(topic < slots_.used() && slots_[topic].is_live());
        if (is_match(path, slots_[topic].bits)) out.push_back(topic);
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// The walk visits the tree in preorder and skips the branches that the filter excludes.

TopicTree::Path::Path(const TopicTree& tree, std::string_view filter) : cannot_match(tree.tree_.is_empty()) {
    for (LevelSplitter rest(filter); !rest.is_done() && !cannot_match;) {
        const std::string_view level = rest.next();
        if (level == "#") {
            ends_in_hash = true;
            return;
        }
        LEDGE_ASSERT(count < levels_hard_max);
        levels[count] = level == "+" ? plus : tree.tree_.levels.find(level);
        cannot_match = levels[count++] == none;
    }
}

bool TopicTree::next_match(const Path& path, Place& at) const {
    while (!path.cannot_match && step(path, at)) {
        const Node& node = tree_.nodes[at.node];
        if (node.next_sibling != none) tree_.nodes.prefetch(node.next_sibling);  // makes '#' a quarter faster
        const bool has_right_depth = at.depth == path.count || (at.depth > path.count && path.ends_in_hash);
        if (has_right_depth && node.topic != none) return true;
    }
    return false;
}

// Moves down to a child if the filter has further levels. Otherwise moves to the next sibling of the node, or of its
// nearest ancestor with a sibling that the filter allows. False = the walk has ended.
bool TopicTree::step(const Path& path, Place& at) const {
    const std::uint32_t below = candidate_below(path, at);
    if (below != none) {
        at = {below, at.depth + 1};
        return true;
    }
    for (; at.depth > 0; at = {tree_.nodes[at.node].parent, at.depth - 1}) {
        if (!path.is_wild(at.depth - 1)) continue;  // the filter names this level, so no sibling can match
        std::uint32_t sibling = tree_.nodes[at.node].next_sibling;
        if (at.depth == 1) sibling = skip_dollar(sibling);
        if (sibling != none) {
            at.node = sibling;
            return true;
        }
    }
    return false;
}

/// The first child that the filter allows, or none.
std::uint32_t TopicTree::candidate_below(const Path& path, Place at) const {
    if (at.depth >= path.count && !path.ends_in_hash) return none;
    if (!path.is_wild(at.depth)) return child(at.node, path.levels[at.depth]);
    const std::uint32_t first = tree_.nodes[at.node].first_child;
    return at.depth == 0 ? skip_dollar(first) : first;
}

// Returns the first of `node` and its next siblings whose level does not start with '$'. A leading wildcard must not
// match the others [MQTT-4.7.2-1]. `node` is a child of the root, or none.
std::uint32_t TopicTree::skip_dollar(std::uint32_t node) const {
    while (node != none && tree_.levels.text(tree_.nodes[node].level).starts_with('$')) {
        node = tree_.nodes[node].next_sibling;
    }
    return node;
}

// Decides whether the filter matches the topic that ends at `node`, by walking from the node up to the root.
bool TopicTree::is_match(const Path& path, std::uint32_t node) const {
    LevelId way[levels_hard_max];  // the levels from the node up to the root
    std::uint32_t depth = 0;
    for (; node != tree_.root; node = tree_.nodes[node].parent) way[depth++] = tree_.nodes[node].level;
    LEDGE_ASSERT(depth > 0 && depth <= levels_hard_max);
    if (depth < path.count || (depth > path.count && !path.ends_in_hash)) return false;
    if (path.is_wild(0) && tree_.levels.text(way[depth - 1]).starts_with('$')) return false;  // [MQTT-4.7.2-1]
    for (std::uint32_t i = 0; i < path.count; ++i) {
        if (!path.is_wild(i) && path.levels[i] != way[depth - 1 - i]) return false;
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// Adding and removing nodes

/// The child of `parent` at `level`, or none. If the first child is an only child, no edge table lookup is needed.
std::uint32_t TopicTree::child(std::uint32_t parent, LevelId level) const {
    const std::uint32_t first = tree_.nodes[parent].first_child;
    LEDGE_ASSERT(level != none);
    if (first == none || tree_.nodes[first].level == level) return first;
    return tree_.nodes[first].next_sibling == none ? none : tree_.edge(parent, level);
}

std::uint32_t TopicTree::child(std::uint32_t parent, std::string_view level) const {
    const LevelId id = tree_.levels.find(level);
    return id == none ? none : child(parent, id);
}

// Adds a child to `parent`. The edge table holds only the children of nodes with two or more children, because an only
// child is found in its parent. The second child therefore brings the first one into the table too.
std::uint32_t TopicTree::add_child(std::uint32_t parent, std::string_view level) {
    const LevelId id = tree_.levels.acquire(level);
    const std::uint32_t next = tree_.nodes[parent].first_child;
    const std::uint32_t fresh = tree_.nodes.take({parent, id, none, next, none, none});
    tree_.nodes[parent].first_child = fresh;
    if (next == none) return fresh;
    tree_.nodes[next].previous_sibling = fresh;
    if (tree_.nodes[next].next_sibling == none) tree_.add_edge(next);
    tree_.add_edge(fresh);
    return fresh;
}

// Removes `child` from its parent and its siblings. The child's own memory stays.
void TopicTree::unlink(std::uint32_t child) {
    LEDGE_ASSERT(child != tree_.root);
    const Node& node = tree_.nodes[child];
    Node& parent = tree_.nodes[node.parent];
    if (node.next_sibling == none && node.previous_sibling == none) {
        parent.first_child = none;
        return;
    }
    tree_.erase_edge(child);
    if (node.next_sibling != none) tree_.nodes[node.next_sibling].previous_sibling = node.previous_sibling;
    if (node.previous_sibling != none) tree_.nodes[node.previous_sibling].next_sibling = node.next_sibling;
    if (parent.first_child == child) parent.first_child = node.next_sibling;
    LEDGE_ASSERT(parent.first_child != none);
    // A child that has become the only child leaves the edge table.
    if (tree_.nodes[parent.first_child].next_sibling == none) tree_.erase_edge(parent.first_child);
}

// Removes the node `number` and then each ancestor that no topic needs any more. Without topics the root goes too, and
// the empty tree owns no memory.
void TopicTree::prune(std::uint32_t number) {
    while (tree_.nodes[number].topic == none && tree_.nodes[number].first_child == none) {
        const Node node = tree_.nodes[number];
        if (number != tree_.root) {
            unlink(number);
            tree_.levels.release(node.level);
        }
        tree_.nodes.give_back(number);
        if (number == tree_.root) return;
        number = node.parent;
    }
}

}  // namespace ledge::topic
