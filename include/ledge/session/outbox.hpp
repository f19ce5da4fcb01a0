// Outbox: the bytes one connection is owed, in order. The core appends encoded frames; the driver gathers and sends
// them once per turn. Small frames are copied into one buffer borrowed from a pool; large payloads are referenced.
// An empty outbox owns no memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ledge/base/blob.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"

namespace ledge::session {

/// Buffers between turns. One per shard. Keeps at most `retained_bytes_max` for reuse.
class BufferPool {
public:
    static constexpr std::size_t smallest = 4096;
    static constexpr std::size_t largest_kept = 64 * 1024;
    static constexpr std::size_t retained_bytes_max = 1024 * 1024;

    /// `account`: the memory of all buffers, lent and kept, is added to it; nullptr: to none.
    explicit BufferPool(std::uint64_t* account = nullptr) : account_(account) {}

    struct Buffer {
        std::unique_ptr<Byte[]> memory;
        std::size_t capacity = 0;  // bytes
    };

    Buffer take(std::size_t at_least);
    void give_back(Buffer buffer);

    /// Bytes that all outboxes of the pool have been rid of by consume(): what was sent.
    std::uint64_t consumed() const { return consumed_; }
    void count_consumed(std::size_t bytes) { consumed_ += bytes; }

private:
    void release(std::size_t capacity) {
        if (account_ != nullptr) *account_ -= capacity;
    }

    std::uint64_t* account_;
    std::vector<Buffer> kept_;
    std::size_t kept_bytes_ = 0;
    std::uint64_t consumed_ = 0;
};

class Outbox {
public:
    explicit Outbox(BufferPool& pool) : pool_(&pool) {}
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox();

    bool empty() const { return size_ == 0; }
    /// Unsent bytes, referenced payloads included.
    std::size_t size() const { return size_; }
    /// Bytes that clear() would give back, referenced payloads included.
    std::size_t memory() const { return buffer_.capacity + (size_ - (end_ - begin_)); }

    /// Room for exactly `size` bytes at the end; the caller fills it before the next call of any member.
    std::span<Byte> append(std::size_t size) {
        if (capacity() - end_ < size) grow(size);
        std::span<Byte> place(buffer_.memory.get() + end_, size);
        end_ += size;
        size_ += size;
        return place;
    }
    void append_copy(Bytes bytes);
    /// Appends `part` of `blob` without copying it. `part` must point into the blob.
    void append_reference(Blob blob, Bytes part);

    /// The first payload that is referenced, and how many bytes stand before it; nothing when there is none.
    struct Payload {
        std::size_t offset = 0;
        Blob blob;
        Bytes bytes;
    };
    std::optional<Payload> first_payload() const;

    /// Fills `parts` from the front; returns how many. What they show is valid until the next append or consume.
    std::size_t gather(std::span<Bytes> parts) const;
    /// Drops `count` sent bytes from the front; gives the buffer back when nothing is left.
    void consume(std::size_t count);
    void clear();

private:
    struct Reference {
        std::size_t offset = 0;  // of the buffer bytes that follow the payload, counted from the start of the buffer
        Blob blob;
        Bytes part;  // the unsent rest
    };

    std::size_t capacity() const { return buffer_.capacity; }
    void grow(std::size_t size);

    BufferPool* pool_;
    BufferPool::Buffer buffer_;
    std::size_t begin_ = 0;  // first unsent byte in the buffer
    std::size_t end_ = 0;
    std::size_t size_ = 0;
    std::unique_ptr<Ring<Reference>> references_;
};

}  // namespace ledge::session
