#include "ledge/mqttsn/topic_table.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::mqttsn {

// A device has a few dozen topics at most, so a walk is as fast as an index, and takes no memory.
TopicTable::Entry* TopicTable::find(std::string_view name) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    if (found == entries_.end()) return nullptr;
    found->last_use = ++uses_;
    return &*found;
}

TopicTable::Entry* TopicTable::find_id(TopicId id) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.id == id && e.type == TopicIdType::normal; });
    return found == entries_.end() ? nullptr : &*found;
}

std::string_view TopicTable::name_of(TopicId id) const {
    for (const Entry& entry : entries_)
        if (entry.id == id && entry.type == TopicIdType::normal) return entry.name;
    return {};
}

bool TopicTable::make_room(std::uint16_t topics_max) {
    if (entries_.size() < topics_max) return true;
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->is_from_device) continue;
        // A refused topic is given up last, so that it is not offered again.
        const auto rank = [](const Entry& e) { return std::pair(e.is_refused, e.last_use); };
        if (oldest == entries_.end() || rank(*entry) < rank(*oldest)) oldest = entry;
    }
    if (oldest == entries_.end()) return false;
    entries_.erase(oldest);
    return true;
}

TopicTable::Entry* TopicTable::add(std::string_view name, std::uint16_t topics_max) {
    LEDGE_ASSERT(find(name) == nullptr);
    if (is_used_up() || !make_room(topics_max)) return nullptr;
    // Ids go round over the connections, and some of the last round are still in use.
    while (!name_of(next_id_).empty()) take_id();
    Entry& entry = entries_.emplace_back();
    entry.name = name;
    entry.id = take_id();
    ++ids_given_;
    entry.last_use = ++uses_;
    return &entry;
}

TopicTable::Entry* TopicTable::add_predefined(std::string_view name, TopicId id, std::uint16_t topics_max) {
    Entry* entry = find(name);
    if (entry == nullptr) {
        if (!make_room(topics_max)) return nullptr;
        entry = &entries_.emplace_back();
        entry->name = name;
        entry->last_use = ++uses_;
    }
    entry->id = id;
    entry->type = TopicIdType::predefined;
    entry->is_from_device = true;
    return entry;
}

void TopicTable::remove(TopicId id) {
    std::erase_if(entries_, [&](const Entry& e) { return e.id == id && e.type == TopicIdType::normal; });
}

void TopicTable::forget_known() {
    for (Entry& entry : entries_) entry.is_known = entry.is_refused = false;
    ids_given_ = static_cast<std::uint16_t>(entries_.size());
}

TopicId TopicTable::take_id() {
    const TopicId id = next_id_;
    next_id_ = static_cast<TopicId>(id % 0xFFFE + 1);
    return id;
}

}  // namespace ledge::mqttsn
