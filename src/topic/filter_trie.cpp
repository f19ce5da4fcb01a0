// FilterTrie: the hash table of exact filters, and the tree of filters with wildcards.
#include "ledge/topic/filter_trie.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/topic/levels.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::topic {

using detail::LevelId;
using detail::none;
using detail::Text;

// The table of exact filters stores bare numbers, so its "none" must be no_filter.
static_assert(no_filter.value() == none);

// The walk through the tree for one match; lives on the stack of match(). The walk splits and looks up a level of the
// topic only when a node at this depth is visited.
//
// Each node can be reached by one path only, so no node is visited twice. Pending stops wait in a ring. Up to
// `queue_max` stops, the ring works first in, first out: the memory of a stop is prefetched while other stops are
// processed. Above `queue_max` stops, the ring works last in, first out: each visit then goes one level deeper and
// leaves at most one more stop in the ring. The depth is limited, so the ring cannot overflow.
class FilterTrie::Walk {
public:
    Walk(const FilterTrie& trie, std::string_view topic, std::vector<FilterId>& out)
        : tree_(trie.tree_), out_(out), rest_(topic), is_dollar_(topic.starts_with('$')) {}

    std::size_t run() {
        std::size_t visited = 0;
        push({tree_.root, 0, none});
        while (head_ != tail_) {
            const Stop stop = pop();
            if (stop.level == none) {
                visit(stop);
                ++visited;
            } else {
                follow_edge(stop);
            }
        }
        return visited;
    }

private:
    struct Stop {
        std::uint32_t node;
        std::uint32_t depth;  // levels between the root and the node
        LevelId level;        // none = visit the node; otherwise look up the child of the node at this level
    };
    struct TopicLevel {
        const char* text;
        std::uint32_t size;
        LevelId id;
    };
    static constexpr LevelId not_looked_up = none - 1;
    static constexpr std::uint32_t ring_size = 256;
    static constexpr std::uint32_t queue_max = 64;
    static_assert(queue_max + levels_hard_max + 2 < ring_size);

    void push(Stop stop) {
        LEDGE_ASSERT(tail_ - head_ < ring_size);
        ring_[tail_++ % ring_size] = stop;
    }
    Stop pop() { return ring_[(tail_ - head_ <= queue_max ? head_++ : --tail_) % ring_size]; }

    void push_node(std::uint32_t node, std::uint32_t depth) {
        tree_.nodes.prefetch(node);
        push({node, depth, none});
    }

    void visit(Stop stop) {
        const Node& node = tree_.nodes[stop.node];
        const bool may_be_wild = stop.depth > 0 || !is_dollar_;  // [MQTT-4.7.2-1]
        if (node.below != no_filter && may_be_wild) out_.push_back(node.below);
        if (!has_level(stop.depth)) {  // the topic ends at this node
            if (node.here != no_filter) out_.push_back(node.here);
            return;
        }
        if (node.plus != none && may_be_wild) push_node(node.plus, stop.depth + 1);
        if (node.inner_child == none && node.edges == 0) return;
        const LevelId level = level_at(stop.depth);
        if (level == none) return;  // no filter has this level, so no child can match
        if (level == node.inner_level) {
            push_node(node.inner_child, stop.depth + 1);
        } else if (node.edges > 0) {
            tree_.prefetch_edge(stop.node, level);
            push({stop.node, stop.depth, level});
        }
    }

    void follow_edge(Stop stop) {
        const std::uint32_t child = tree_.edge(stop.node, stop.level);
        if (child != none) push({child, stop.depth + 1, none});
    }

    // Splits off the next level of the topic when `depth` asks for a new one. The depth grows by one from a node to its
    // child, so a new depth always needs exactly the next level.
    bool has_level(std::uint32_t depth) {
        if (depth < split_) return true;
        if (rest_.is_done()) return false;
        LEDGE_ASSERT(depth == split_ && split_ <= levels_hard_max);
        const std::string_view text = rest_.next();
        levels_[split_++] = {text.data(), static_cast<std::uint32_t>(text.size()), not_looked_up};
        return true;
    }

    LevelId level_at(std::uint32_t depth) {
        LEDGE_ASSERT(depth < split_);
        TopicLevel& level = levels_[depth];
        if (level.id == not_looked_up) level.id = tree_.levels.find({level.text, level.size});
        return level.id;
    }

    const detail::LevelTree<Node>& tree_;
    std::vector<FilterId>& out_;
    LevelSplitter rest_;
    const bool is_dollar_;
    std::uint32_t split_ = 0;  // levels of the topic that are in levels_
    std::uint32_t head_ = 0;   // the pending stops are ring_[head_ % ring_size] up to, not including, tail_
    std::uint32_t tail_ = 0;
    TopicLevel levels_[levels_hard_max + 1];  // at the deepest node the walk asks whether the topic has one more level
    Stop ring_[ring_size];
};

FilterTrie::FilterTrie(std::uint64_t seed) : hash_(seed), tree_(hash_) {}

// The tables own their memory, but the texts of the exact filters are separate heap blocks.
FilterTrie::~FilterTrie() {
    exact_.for_each([&](std::uint32_t slot) { Text::destroy(slots_[slot].text()); });
}

FilterTrie::Inserted FilterTrie::insert(std::string_view filter) {
    LEDGE_ASSERT(!filter.empty() && count_levels(filter) <= levels_hard_max);
    return has_wildcards(filter) ? insert_wildcard(filter) : insert_exact(filter);
}

std::optional<FilterId> FilterTrie::find(std::string_view filter) const {
    const FilterId id = has_wildcards(filter) ? find_wildcard(filter) : find_exact(filter, hash_(filter));
    return id == no_filter ? std::nullopt : std::optional(id);
}

[[gnu::hot]] std::size_t FilterTrie::match(std::string_view topic, std::vector<FilterId>& out) const {
    // Fetching the seat from memory takes as long as half a walk, so start the fetch before the walk.
    const std::uint32_t hash = hash_(topic);
    exact_.prefetch(hash);
    const std::size_t visited = tree_.is_empty() ? 0 : Walk(*this, topic, out).run();
    const FilterId id = find_exact(topic, hash);
    if (id != no_filter) out.push_back(id);
    return visited;
}

void FilterTrie::append_filter(FilterId id, std::string& out) const {
    LEDGE_ASSERT(id.value() < slots_.used() && slots_[id.value()].kind() != Slot::Kind::free);
    const Slot slot = slots_[id.value()];
    if (slot.kind() == Slot::Kind::text) {
        out += slot.text()->view();
        return;
    }
    tree_.append_path(slot.number(), out);
    if (slot.kind() == Slot::Kind::node_hash) out += slot.number() == tree_.root ? "#" : "/#";
}

void FilterTrie::erase(FilterId id) {
    LEDGE_ASSERT(id.value() < slots_.used() && slots_[id.value()].kind() != Slot::Kind::free);
    const Slot slot = slots_[id.value()];
    if (slot.kind() == Slot::Kind::text) {
        text_bytes_ -= slot.text()->block_bytes();
        exact_.erase(hash_(slot.text()->view()), id.value());
        Text::destroy(slot.text());
    } else {
        Node& node = tree_.nodes[slot.number()];
        (slot.kind() == Slot::Kind::node_hash ? node.below : node.here) = no_filter;
        prune(slot.number());
    }
    slots_.give_back(id.value());
}

std::size_t FilterTrie::bytes() const { return slots_.bytes() + exact_.bytes() + text_bytes_ + tree_.bytes(); }

// ---------------------------------------------------------------------------------------------------------------------
// Filters without wildcards

FilterId FilterTrie::find_exact(std::string_view text, std::uint32_t hash) const {
    return FilterId(exact_.find(hash, [&](std::uint32_t slot) { return slots_[slot].text()->view() == text; }));
}

FilterTrie::Inserted FilterTrie::insert_exact(std::string_view filter) {
    const std::uint32_t hash = hash_(filter);
    const FilterId known = find_exact(filter, hash);
    if (known != no_filter) return {known, false};
    Text* text = Text::create(filter);
    text_bytes_ += text->block_bytes();
    const FilterId id(slots_.take(Slot::of_text(text)));
    exact_.insert(hash, id.value());
    return {id, true};
}

// ---------------------------------------------------------------------------------------------------------------------
// Filters with wildcards

FilterId FilterTrie::find_wildcard(std::string_view filter) const {
    if (tree_.is_empty()) return no_filter;
    std::uint32_t node = tree_.root;
    for (LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        if (level == "#") return tree_.nodes[node].below;
        if (level == "+") {
            node = tree_.nodes[node].plus;
        } else {
            const LevelId id = tree_.levels.find(level);
            node = id == none ? none : child(tree_.nodes[node], node, id);
        }
        if (node == none) return no_filter;
    }
    return tree_.nodes[node].here;
}

FilterTrie::Inserted FilterTrie::insert_wildcard(std::string_view filter) {
    if (tree_.is_empty()) tree_.nodes.take({none, none});  // the root
    std::uint32_t node = tree_.root;
    bool is_hash = false;
    for (LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        is_hash = level == "#";
        if (!is_hash) node = child_for_insert(node, level);
    }
    // A final '#' has no node of its own: the filter is stored in the node before the '#'.
    FilterId& place = is_hash ? tree_.nodes[node].below : tree_.nodes[node].here;
    if (place != no_filter) return {place, false};
    place = FilterId(slots_.take(Slot::of_node(node, is_hash)));
    return {place, true};
}

bool FilterTrie::Node::is_unused() const {
    return here == no_filter && below == no_filter && plus == none && inner_child == none && edges == 0;
}

/// The literal child of `node`, whose number is `number`, at `level`; or none.
std::uint32_t FilterTrie::child(const Node& node, std::uint32_t number, LevelId level) const {
    if (node.inner_level == level) return node.inner_child;
    return node.edges == 0 ? none : tree_.edge(number, level);
}

/// The child of `parent` at `level`, which may be "+". A missing child is added.
std::uint32_t FilterTrie::child_for_insert(std::uint32_t parent, std::string_view level) {
    const bool is_plus = level == "+";
    // Each node holds one use of its level. A known child holds its use already.
    const LevelId id = tree_.levels.acquire(level);
    const std::uint32_t known = is_plus ? tree_.nodes[parent].plus : child(tree_.nodes[parent], parent, id);
    if (known != none) {
        tree_.levels.release(id);
        return known;
    }
    const std::uint32_t fresh = tree_.nodes.take({parent, id});
    Node& node = tree_.nodes[parent];  // only now, because take() may move the nodes
    if (is_plus) {
        node.plus = fresh;
    } else if (node.inner_child == none) {
        node.inner_child = fresh;
        node.inner_level = id;
    } else {
        tree_.add_edge(fresh);
        ++node.edges;
    }
    return fresh;
}

/// Removes `child` from its parent. The child's own memory stays.
void FilterTrie::unlink(std::uint32_t child) {
    LEDGE_ASSERT(child != tree_.root);
    Node& parent = tree_.nodes[tree_.nodes[child].parent];
    if (parent.plus == child) {
        parent.plus = none;
    } else if (parent.inner_child == child) {
        parent.inner_child = parent.inner_level = none;
    } else {
        LEDGE_ASSERT(parent.edges > 0);
        tree_.erase_edge(child);
        --parent.edges;
    }
}

// Removes the node `number` and then each ancestor that no filter needs any more. Without filters the root goes too,
// and the empty tree owns no memory.
void FilterTrie::prune(std::uint32_t number) {
    while (tree_.nodes[number].is_unused()) {
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
