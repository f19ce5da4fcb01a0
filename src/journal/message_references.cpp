// MessageReferences: 16-bit counts in pages, with a hash map for the rare larger counts.
#include "ledge/journal/message_references.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::journal {

void MessageReferences::add(MessageNumber message, std::uint32_t rows) {
    auto& page = pages_[page_of(message)];
    if (page == nullptr) page = std::make_unique<Page>();
    std::uint16_t& count = page->counts[place_of(message)];
    if (count == 0) ++page->used;
    const std::uint64_t sum = std::uint64_t{this->count(message)} + rows;
    if (sum < many) {
        count = static_cast<std::uint16_t>(sum);
        return;
    }
    // The count does not fit into 16 bits: the page keeps the mark `many`, and overflow_ keeps the count.
    count = many;
    overflow_[message] = static_cast<std::uint32_t>(sum);
}

bool MessageReferences::release(MessageNumber message) {
    const std::uint32_t before = count(message);
    LEDGE_ASSERT(before > 0);
    const auto page = pages_.find(page_of(message));
    LEDGE_ASSERT(page != pages_.end());
    std::uint16_t& count = page->second->counts[place_of(message)];
    if (count == many) {
        // The count fits into 16 bits again: it moves back to the page.
        if (--overflow_[message] < many) {
            count = static_cast<std::uint16_t>(many - 1U);
            overflow_.erase(message);
        }
        return false;
    }
    if (--count > 0) return false;
    LEDGE_ASSERT(page->second->used > 0);
    if (--page->second->used == 0) pages_.erase(page);
    return true;
}

std::uint32_t MessageReferences::count(MessageNumber message) const {
    const auto page = pages_.find(page_of(message));
    if (page == pages_.end()) return 0;
    const std::uint16_t count = page->second->counts[place_of(message)];
    if (count != many) return count;
    const auto large = overflow_.find(message);
    return large == overflow_.end() ? 0 : large->second;
}

}  // namespace ledge::journal
