#include "ledge/session/message_owners.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/account.hpp"

namespace ledge::session {

namespace {
constexpr std::uint64_t unit = 4;           // bytes
constexpr std::uint64_t mantissa_min = 16;  // five bits; the highest one is always set and is not part of the code
constexpr unsigned exponent_max = 15;
constexpr std::uint8_t code_max = 0xFE;
}  // namespace

// code := exponent:u4 mantissa:u4; size = (16 + mantissa) * 2^exponent * unit
std::uint8_t MessageOwners::code_of(std::uint64_t bytes) {
    const std::uint64_t units = std::max((bytes + unit - 1) / unit, mantissa_min);
    const auto exponent = static_cast<unsigned>(std::bit_width(units)) - 5U;
    if (exponent > exponent_max) return code_max;
    return std::min(static_cast<std::uint8_t>(exponent << 4U | ((units >> exponent) - mantissa_min)), code_max);
}

std::uint64_t MessageOwners::size_of(std::uint8_t code) {
    return ((mantissa_min + (code & 15U)) << (code >> 4U)) * unit;
}

void MessageOwners::add(MessageNumber message, journal::StoreAccount* account, std::uint64_t bytes) {
    auto& page = pages_[page_of(message)];
    if (page == nullptr) page = std::make_unique<Page>();
    const std::size_t place = place_of(message);
    // The coded size is charged, not `bytes`, so that remove() gives back exactly as much.
    const std::uint8_t code = code_of(bytes);
    page->sizes[place] = static_cast<std::uint8_t>(code + 1U);
    page->owners[place] = accounts_.store(account, size_of(code));
    ++page->used;
}

void MessageOwners::remove(MessageNumber message) {
    const auto found = pages_.find(page_of(message));
    const std::size_t place = place_of(message);
    // A message from before the start was charged to nobody, with the average size.
    if (found == pages_.end() || found->second->sizes[place] == 0) return accounts_.unstore(0, unknown_bytes_);
    Page& page = *found->second;
    LEDGE_ASSERT(page.used > 0);
    const std::uint8_t code = static_cast<std::uint8_t>(std::exchange(page.sizes[place], std::uint8_t{0}) - 1U);
    accounts_.unstore(page.owners[place], size_of(code));
    if (--page.used == 0) pages_.erase(found);
}

void MessageOwners::restore(std::uint64_t messages, std::uint64_t bytes) {
    if (messages == 0) return;
    unknown_bytes_ = bytes / messages;
    accounts_.store(nullptr, unknown_bytes_ * messages);
}

}  // namespace ledge::session
