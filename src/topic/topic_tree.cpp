#include "ledge/topic/topic_tree.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/topic/detail/level_splitter.hpp"

namespace ledge::topic {

using detail::LevelId;
using detail::LevelSplitter;
using detail::none;

TopicTree::TopicTree(std::uint64_t seed) : hash_(seed), tree_(hash_) {}

std::size_t TopicTree::bytes() const { return slots_.bytes() + tree_.bytes(); }

TopicTree::Inserted TopicTree::insert(std::string_view topic) {
    LEDGE_ASSERT(!topic.empty() && count_levels(topic) <= levels_hard_max);
    if (tree_.is_empty()) tree_.nodes.take({none, none, none, none, none, none});
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
    if (path.is_hopeless) return false;
    for (const TopicId topic : topics) {
        LEDGE_ASSERT(topic < slots_.used() && slots_[topic].is_live());
        if (is_match(path, slots_[topic].bits)) out.push_back(topic);
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// The walk: the tree in preorder, without the branches that the filter does not allow

TopicTree::Path::Path(const TopicTree& tree, std::string_view filter) : is_hopeless(tree.tree_.is_empty()) {
    for (LevelSplitter rest(filter); !rest.is_done() && !is_hopeless;) {
        const std::string_view level = rest.next();
        if (level == "#") {
            ends_in_hash = true;
            return;
        }
        LEDGE_ASSERT(count < levels_hard_max);
        levels[count] = level == "+" ? plus : tree.tree_.levels.find(level);
        is_hopeless = levels[count++] == none;
    }
}

bool TopicTree::next_match(const Path& path, Place& at) const {
    while (!path.is_hopeless && step(path, at)) {
        const Node& node = tree_.nodes[at.node];
        if (node.next_sibling != none) tree_.nodes.prefetch(node.next_sibling);  // a quarter off the time of '#'
        const bool has_right_depth = at.depth == path.count || (at.depth > path.count && path.ends_in_hash);
        if (has_right_depth && node.topic != none) return true;
    }
    return false;
}

// Down if the filter goes on, else to the next sibling, of the nearest ancestor that may have one.
bool TopicTree::step(const Path& path, Place& at) const {
    const std::uint32_t below = candidate_below(path, at);
    if (below != none) {
        at = {below, at.depth + 1};
        return true;
    }
    for (; at.depth > 0; at = {tree_.nodes[at.node].parent, at.depth - 1}) {
        if (!path.is_wild(at.depth - 1)) continue;
        std::uint32_t sibling = tree_.nodes[at.node].next_sibling;
        if (at.depth == 1) sibling = skip_dollar(sibling);
        if (sibling != none) {
            at.node = sibling;
            return true;
        }
    }
    return false;
}

std::uint32_t TopicTree::candidate_below(const Path& path, Place at) const {
    if (at.depth >= path.count && !path.ends_in_hash) return none;
    if (!path.is_wild(at.depth)) return child(at.node, path.levels[at.depth]);
    const std::uint32_t first = tree_.nodes[at.node].first_child;
    return at.depth == 0 ? skip_dollar(first) : first;
}

// [MQTT-4.7.2-1] `node`, a child of the root, or its first sibling whose topics a leading wildcard may match.
std::uint32_t TopicTree::skip_dollar(std::uint32_t node) const {
    while (node != none && tree_.levels.text(tree_.nodes[node].level).starts_with('$')) {
        node = tree_.nodes[node].next_sibling;
    }
    return node;
}

// The same question from the other end, for one node.
bool TopicTree::is_match(const Path& path, std::uint32_t node) const {
    LevelId way[levels_hard_max];  // from the node up
    std::uint32_t depth = 0;
    for (; node != tree_.root; node = tree_.nodes[node].parent) way[depth++] = tree_.nodes[node].level;
    if (depth < path.count || (depth > path.count && !path.ends_in_hash)) return false;
    if (path.is_wild(0) && tree_.levels.text(way[depth - 1]).starts_with('$')) return false;  // [MQTT-4.7.2-1]
    for (std::uint32_t i = 0; i < path.count; ++i) {
        if (!path.is_wild(i) && path.levels[i] != way[depth - 1 - i]) return false;
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// Nodes come and go

std::uint32_t TopicTree::child(std::uint32_t parent, LevelId level) const {
    const std::uint32_t first = tree_.nodes[parent].first_child;
    if (first == none || tree_.nodes[first].level == level) return first;
    return tree_.nodes[first].next_sibling == none ? none : tree_.edge(parent, level);
}

std::uint32_t TopicTree::child(std::uint32_t parent, std::string_view level) const {
    const LevelId id = tree_.levels.find(level);
    return id == none ? none : child(parent, id);
}

// An only child is found through its parent; the edge table has the children of those that have two or more.
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

void TopicTree::unlink(std::uint32_t child) {
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
    if (tree_.nodes[parent.first_child].next_sibling == none) tree_.erase_edge(parent.first_child);
}

// Removes `number` and its ancestors as far as they serve nothing any more, in the end the root too.
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
