// Appends at the end and removes at the front, with few copies and little memory.
#include "ledge/client/outbox.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::client {
namespace {

constexpr std::size_t kept_bytes_max = 64 * 1024;  // an empty outbox keeps at most so much memory

}  // namespace

std::span<Byte> Outbox::append(std::size_t size) {
    // Sent bytes are removed when they are at least half of the buffer. So each byte is moved once on average.
    if (begin_ > 0 && begin_ >= bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    LEDGE_ASSERT(begin_ <= bytes_.size());
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

void Outbox::release_memory() {
    if (empty()) std::vector<Byte>().swap(bytes_);
}

}  // namespace ledge::client
