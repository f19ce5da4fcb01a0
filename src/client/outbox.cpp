#include "ledge/client/outbox.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::client {
namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;  // memory that an empty outbox keeps

}  // namespace

std::span<Byte> Outbox::append(std::size_t size) {
    // Sent bytes go before the buffer grows, once they are at least half of it: each byte is moved once on average.
    if (begin_ > 0 && begin_ >= bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    const std::size_t before = bytes_.size();
    bytes_.resize(before + size);
    return std::span<Byte>(bytes_).subspan(before);
}

void Outbox::consume(std::size_t count) {
    LEDGE_ASSERT(count <= size());
    begin_ += count;
    if (begin_ == bytes_.size()) clear();
}

void Outbox::clear() {
    bytes_.clear();
    begin_ = 0;
    if (bytes_.capacity() > kept_bytes_max) bytes_.shrink_to_fit();
}

}  // namespace ledge::client
