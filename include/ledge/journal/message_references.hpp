// How many queue rows of the store refer to each stored message. Counted in memory only and rebuilt at start: a
// counter in the store would be written with every acknowledgement. Two bytes per message in pages of 4,096 numbers;
// numbers are given in sequence, so the pages are dense and go when their messages are gone.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>

namespace ledge::journal {

class MessageReferences {
public:
    void add(std::uint64_t message, std::uint32_t rows = 1);
    /// True when that was the last row.
    bool release(std::uint64_t message);
    std::uint32_t count(std::uint64_t message) const;

private:
    static constexpr std::uint64_t page_size = 4096;
    static constexpr std::uint16_t many = 0xFFFF;  // the count is in overflow_

    struct Page {
        std::array<std::uint16_t, page_size> counts{};
        std::uint32_t used = 0;  // messages with a count
    };

    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Page>> pages_;
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> overflow_;
};

}  // namespace ledge::journal
