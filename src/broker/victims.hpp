// Victims: who gives way when something has run out, in an order that is fair to owners: the largest holder of the
// owner that holds most goes first; what it held no longer counts for its owner; then the same again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ledge/base/owner.hpp"

namespace ledge::broker {

template <class Holder>
class Victims {
public:
    void clear() { entries_.clear(); }
    bool empty() const { return entries_.empty(); }
    /// Between holders of the same size, the one that was added first goes first.
    void add(OwnerId owner, std::uint64_t bytes, Holder& holder) { entries_.push_back({owner, bytes, &holder}); }

    /// `give_way(holder)` for as many as it takes to get `wanted` bytes. Returns the bytes that they held: less than
    /// `wanted` if all of them together hold less.
    template <class GiveWay>
    std::uint64_t free_bytes(std::uint64_t wanted, GiveWay&& give_way) {
        group_by_owner();
        std::uint64_t taken = 0;
        while (taken < wanted && !groups_.empty()) {
            std::ranges::pop_heap(groups_, {}, &Group::bytes);
            Group& group = groups_.back();
            const Entry& entry = entries_[group.next++];
            taken += entry.bytes;
            group.bytes -= entry.bytes;
            give_way(*entry.holder);
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
    /// The entries of one owner, from `next` on, largest first.
    struct Group {
        std::size_t next = 0;
        std::size_t end = 0;
        std::uint64_t bytes = 0;
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
    std::vector<Group> groups_;  // a heap, the largest in front
};

}  // namespace ledge::broker
