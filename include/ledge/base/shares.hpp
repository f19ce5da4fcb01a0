// Shares: how many places of one thing each holder has, and how many the largest holder has. Whoever fills a limit is
// found by it: when places have run out, the largest holder gives way to one that has few. Each call is O(1).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ledge/base/assert.hpp"

namespace ledge {

template <class Holder>
class Shares {
public:
    void add(Holder holder) {
        const std::uint32_t now = ++places_[holder];
        if (now >= holders_with_.size()) holders_with_.resize(now + 1);
        if (now > 1) --holders_with_[now - 1];
        ++holders_with_[now];
        largest_ = now > largest_ ? now : largest_;
        ++total_;
    }

    /// The holder has a place.
    void remove(Holder holder) {
        const auto found = places_.find(holder);
        LEDGE_ASSERT(found != places_.end());
        const std::uint32_t before = found->second--;
        --holders_with_[before];
        if (before == largest_ && holders_with_[before] == 0) --largest_;
        if (before == 1)
            places_.erase(found);
        else
            ++holders_with_[before - 1];
        --total_;
    }

    std::uint32_t of(Holder holder) const {
        const auto found = places_.find(holder);
        return found == places_.end() ? 0 : found->second;
    }
    /// Places of the holder that has most of them; 0: there is none.
    std::uint32_t largest() const { return largest_; }
    std::uint32_t total() const { return total_; }

private:
    std::unordered_map<Holder, std::uint32_t> places_;
    std::vector<std::uint32_t> holders_with_;  // [n]: how many holders have exactly n places
    std::uint32_t largest_ = 0;
    std::uint32_t total_ = 0;
};

}  // namespace ledge
