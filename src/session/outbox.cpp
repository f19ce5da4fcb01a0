#include "ledge/session/outbox.hpp"

#include <algorithm>
#include <cstring>

#include "ledge/base/assert.hpp"

namespace ledge::session {

[[gnu::hot]] BufferPool::Buffer BufferPool::take(std::size_t at_least) {
    if (!kept_.empty() && kept_.back().capacity >= at_least) {
        Buffer buffer = std::move(kept_.back());
        kept_.pop_back();
        kept_bytes_ -= buffer.capacity;
        return buffer;
    }
    // Capacities are powers of two, so that a buffer that is given back fits the next outbox.
    std::size_t capacity = smallest;
    while (capacity < at_least) capacity *= 2;
    memory_ += capacity;
    if (account_ != nullptr) *account_ += capacity;
    return {std::unique_ptr<Byte[]>(new Byte[capacity]), capacity};
}

[[gnu::hot]] void BufferPool::give_back(Buffer buffer) {
    if (buffer.capacity > largest_kept || kept_bytes_ + buffer.capacity > retained_bytes_max)
        return release(buffer.capacity);
    if (buffer.capacity == 0) return;
    LEDGE_ASSERT(buffer.memory != nullptr);
    kept_bytes_ += buffer.capacity;
    kept_.push_back(std::move(buffer));
}

Outbox::~Outbox() { pool_->give_back(std::move(buffer_)); }

void Outbox::append_copy(Bytes bytes) {
    if (bytes.empty()) return;
    std::memcpy(append(bytes.size()).data(), bytes.data(), bytes.size());
}

void Outbox::append_reference(Blob blob, Bytes part) {
    if (part.empty()) return;
    if (references_ == nullptr) references_ = std::make_unique<Ring<Reference>>();
    references_->push_back({end_, std::move(blob), part});
    size_ += part.size();
}

// Moves the unsent bytes to the front of a buffer that has room for `size` more bytes. The present buffer is used
// again if the bytes fit and at least half of it was sent, so that moving stays cheap compared to sending.
[[gnu::hot]] void Outbox::grow(std::size_t size) {
    const std::size_t unsent = end_ - begin_;
    const std::size_t wanted = unsent + size;
    if (wanted <= capacity() && begin_ >= capacity() / 2) {
        std::memmove(buffer_.memory.get(), buffer_.memory.get() + begin_, unsent);
    } else {
        BufferPool::Buffer larger = pool_->take(std::max(wanted, capacity() * 2));
        if (unsent > 0) std::memcpy(larger.memory.get(), buffer_.memory.get() + begin_, unsent);
        pool_->give_back(std::exchange(buffer_, std::move(larger)));
    }
    if (references_ != nullptr)
        for (std::size_t i = 0; i < references_->size(); ++i) (*references_)[i].offset -= begin_;
    begin_ = 0;
    end_ = unsent;
    LEDGE_ASSERT(capacity() - end_ >= size);
}

[[gnu::hot]] std::size_t Outbox::gather(std::span<Bytes> parts) const {
    std::size_t count = 0;
    std::size_t at = begin_;
    const std::size_t references = references_ == nullptr ? 0 : references_->size();
    for (std::size_t i = 0; i < references && count < parts.size(); ++i) {
        const Reference& reference = (*references_)[i];
        if (reference.offset > at) parts[count++] = Bytes(buffer_.memory.get() + at, reference.offset - at);
        at = reference.offset;
        if (count == parts.size()) return count;
        parts[count++] = reference.part;
    }
    if (count < parts.size() && end_ > at) parts[count++] = Bytes(buffer_.memory.get() + at, end_ - at);
    return count;
}

std::optional<Outbox::Payload> Outbox::first_payload() const {
    if (references_ == nullptr || references_->empty()) return std::nullopt;
    const Reference& first = (*references_)[0];
    return Payload{first.offset - begin_, first.blob, first.part};
}

[[gnu::hot]] void Outbox::consume(std::size_t count) {
    LEDGE_ASSERT(count <= size_);
    size_ -= count;
    consumed_ += count;
    pool_->count_consumed(count);
    if (size_ == 0) return clear();
    // The sent bytes alternate between buffer bytes and payloads.
    while (references_ != nullptr && !references_->empty() && count > 0) {
        Reference& first = references_->front();
        const std::size_t before = std::min(count, first.offset - begin_);
        begin_ += before;
        count -= before;
        const std::size_t of_payload = std::min(count, first.part.size());
        first.part = first.part.subspan(of_payload);
        count -= of_payload;
        if (!first.part.empty()) return;
        references_->pop_front();
    }
    begin_ += count;
    LEDGE_ASSERT(begin_ <= end_);
}

[[gnu::hot]] void Outbox::clear() {
    pool_->give_back(std::exchange(buffer_, {}));
    references_.reset();
    begin_ = end_ = size_ = 0;
}

}  // namespace ledge::session
