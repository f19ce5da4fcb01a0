// Victims: chooses the holders (connections or sessions) that must give memory back, in an order that is fair to
// owners. The largest holder of the owner with the most bytes goes first. Its bytes no longer count for that owner, and
// the choice is repeated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/owner.hpp"

namespace ledge::broker {

template <class Holder>
class Victims {
public:
    void clear() { entries_.clear(); }
    bool empty() const { return entries_.empty(); }
    /// Of holders of one owner with the same size, the one that was added first goes first.
    void add(OwnerId owner, std::uint64_t bytes, Holder& holder) { entries_.push_back({owner, bytes, &holder}); }

    /// Calls `evict(holder)` for as many holders as are needed to free `wanted` bytes. Returns the bytes of these
    /// holders. The result is less than `wanted` if all holders together have less.
    template <class Evict>
    std::uint64_t free_bytes(std::uint64_t wanted, Evict&& evict) {
        group_by_owner();
        std::uint64_t taken = 0;
        while (taken < wanted && !groups_.empty()) {
            std::ranges::pop_heap(groups_, {}, &Group::bytes);
            Group& group = groups_.back();  // pop_heap has moved the largest owner to the end
            LEDGE_ASSERT(group.next < group.end && group.end <= entries_.size());
            const Entry& entry = entries_[group.next++];
            LEDGE_ASSERT(entry.holder != nullptr && entry.bytes <= group.bytes);
            taken += entry.bytes;
            group.bytes -= entry.bytes;
            evict(*entry.holder);
            // The owner goes back into the heap with its remaining bytes.
            if (group.next == group.end)
                groups_.pop_back();
            else
                std::ranges::push_heap(groups_, {}, &Group::bytes);
        }
        return taken;
    }

private:
    struct Entry {
        OwnerId owner{};
        std::uint64_t bytes = 0;
        Holder* holder = nullptr;
    };
    /// The entries of one owner that have not given way yet, largest first: entries_[next] up to entries_[end - 1].
    struct Group {
        std::size_t next = 0;
        std::size_t end = 0;
        std::uint64_t bytes = 0;  // sum of these entries
    };

    void group_by_owner() {
        std::ranges::stable_sort(entries_, [](const Entry& a, const Entry& b) {
            return a.owner != b.owner ? a.owner < b.owner : a.bytes > b.bytes;
        });
        groups_.clear();
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (i == 0 || entries_[i].owner != entries_[i - 1].owner) groups_.push_back({i, i, 0});
            groups_.back().end = i + 1;
            groups_.back().bytes += entries_[i].bytes;
        }
        std::ranges::make_heap(groups_, {}, &Group::bytes);
    }

    std::vector<Entry> entries_;
    std::vector<Group> groups_;  // a heap by bytes, the largest owner in front
};

}  // namespace ledge::broker
