// Shares counts, for a limited number of places, how many places each holder has and how many the largest holder has.
// When all places are in use, the caller can thus find the holder with most places, and take a place from that holder
// for one that has few. Each call is O(1). One owner, no locks.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ledge/base/assert.hpp"

namespace ledge {

template <class Holder>
class Shares {
public:
    /// Gives the holder one more place.
    void add(Holder holder) {
        const std::uint32_t now = ++places_[holder];
        if (now >= holders_with_.size()) holders_with_.resize(now + 1);
        if (now > 1) --holders_with_[now - 1];
        ++holders_with_[now];
        largest_ = now > largest_ ? now : largest_;
        ++total_;
    }

    /// Takes one place from the holder, who must have one.
    void remove(Holder holder) {
        const auto found = places_.find(holder);
        LEDGE_ASSERT(found != places_.end());
        const std::uint32_t before = found->second--;
        --holders_with_[before];
        // The holder itself now has one place less, so the next largest number is exactly one below.
        if (before == largest_ && holders_with_[before] == 0) --largest_;
        if (before == 1)
            places_.erase(found);
        else
            ++holders_with_[before - 1];
        --total_;
    }

    /// Returns the number of places that the holder has.
    std::uint32_t of(Holder holder) const {
        const auto found = places_.find(holder);
        return found == places_.end() ? 0 : found->second;
    }
    /// Returns the number of places of the largest holder; 0 = there is no holder.
    std::uint32_t largest() const { return largest_; }
    /// Returns the number of places of all holders together.
    std::uint32_t total() const { return total_; }

private:
    std::unordered_map<Holder, std::uint32_t> places_;
    std::vector<std::uint32_t> holders_with_;  // element n is the number of holders with exactly n places
    std::uint32_t largest_ = 0;
    std::uint32_t total_ = 0;
};

}  // namespace ledge
