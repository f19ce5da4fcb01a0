// MessageReferences: how many queue rows of the store refer to each stored message. One table per shard, on the shard's
// thread. The counts stay in memory, and the start counts the rows again: a counter in the store would be written with
// every acknowledgement.
// A count takes two bytes, in pages of 4,096 message numbers. Message numbers rise one by one, so the pages are dense.
// A page is freed when none of its messages has a row any more.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>

#include "ledge/base/ids.hpp"

namespace ledge::journal {

class MessageReferences {
public:
    void add(MessageNumber message, std::uint32_t rows = 1);
    /// Removes one row of the message; true = no other row refers to the message. Requires count(message) > 0.
    bool release(MessageNumber message);
    std::uint32_t count(MessageNumber message) const;

private:
    static constexpr std::uint64_t page_size = 4096;
    static std::uint64_t page_of(MessageNumber message) { return message.value() / page_size; }
    static std::size_t place_of(MessageNumber message) { return message.value() % page_size; }
    static constexpr std::uint16_t many = 0xFFFF;  // this value says that the count is in overflow_

    struct Page {
        std::array<std::uint16_t, page_size> counts{};
        std::uint32_t used = 0;  // messages whose count is not 0
    };

    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Page>> pages_;  // by page_of
    boost::unordered_flat_map<MessageNumber, std::uint32_t> overflow_;
};

}  // namespace ledge::journal
