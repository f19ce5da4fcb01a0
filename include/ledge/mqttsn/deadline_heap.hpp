// DeadlineHeap: one deadline per device, the earliest on top: a binary heap that knows the place of each device. 20
// bytes per device. Exact, unlike TimerWheel, whose ticks of 500 ms are too coarse for the retries of a serial line.
// Owned by Gateway.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::mqttsn {

class DeadlineHeap {
public:
    /// `never` takes the device out.
    void set(std::uint32_t id, Instant deadline);
    /// Takes out a device whose deadline is not after `now`; nullopt = there is none.
    std::optional<std::uint32_t> pop_due(Instant now);
    Instant next() const { return heap_.empty() ? never : heap_.front().deadline; }
    std::size_t size() const { return heap_.size(); }

private:
    struct Entry {
        Instant deadline;
        std::uint32_t id;
    };
    static constexpr std::uint32_t nowhere = 0xFFFF'FFFF;

    void remove(std::uint32_t place);
    void put(std::uint32_t place, const Entry& entry);
    void sift(std::uint32_t place);

    std::vector<Entry> heap_;
    std::vector<std::uint32_t> places_;  // by id: the index in heap_
};

}  // namespace ledge::mqttsn
