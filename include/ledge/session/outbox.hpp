// Outbox: the bytes that wait to be sent to one connection, in order. The core appends encoded packets, and the driver
// gathers and sends them once per turn. Small packets are copied into one buffer, which is borrowed from a pool. Large
// payloads are referenced, not copied. An empty outbox owns no memory. Owned by the connection's PacketSender, on the
// shard's thread.
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

/// The pool of buffers that the outboxes of one shard borrow. Keeps at most `retained_bytes_max` of unused buffers.
class BufferPool {
public:
    static constexpr std::size_t smallest = 4096;           // bytes of the smallest buffer
    static constexpr std::size_t largest_kept = 64 * 1024;  // a larger buffer is freed at once when it is given back
    static constexpr std::size_t retained_bytes_max = 1024 * 1024;

    /// `account` = a sum to which the memory of all buffers is added, lent or not; nullptr = no sum is kept.
    explicit BufferPool(std::uint64_t* account = nullptr) : account_(account) {}

    struct Buffer {
        std::unique_ptr<Byte[]> memory;
        std::size_t capacity = 0;  // bytes
    };

    /// Lends a buffer with a capacity of at least `at_least` bytes.
    Buffer take(std::size_t at_least);
    void give_back(Buffer buffer);

    /// Bytes of all buffers, lent or not.
    std::uint64_t memory() const { return memory_; }

    /// Bytes that all outboxes of the pool have sent, as consume() has counted them.
    std::uint64_t consumed() const { return consumed_; }
    void count_consumed(std::size_t bytes) { consumed_ += bytes; }

private:
    void release(std::size_t capacity) {
        memory_ -= capacity;
        if (account_ != nullptr) *account_ -= capacity;
    }

    std::uint64_t* account_;
    std::vector<Buffer> kept_;
    std::size_t kept_bytes_ = 0;
    std::uint64_t memory_ = 0;
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
    /// Bytes that were sent so far, as consume() has counted them.
    std::uint64_t consumed() const { return consumed_; }
    /// Bytes that clear() would give back, referenced payloads included.
    std::size_t memory() const { return buffer_.capacity + (size_ - (end_ - begin_)); }

    /// Appends room for exactly `size` bytes. The caller fills the room before the next call of any member.
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

    /// The first referenced payload; nothing when there is none.
    struct Payload {
        std::size_t offset = 0;  // unsent bytes before the payload
        Blob blob;
        Bytes bytes;
    };
    std::optional<Payload> first_payload() const;

    /// Fills `parts` with the unsent bytes from the front, and returns the number of parts. They are valid until the
    /// next append or consume.
    std::size_t gather(std::span<Bytes> parts) const;
    /// Removes `count` sent bytes from the front. Gives the buffer back when no bytes are left. Requires
    /// count <= size().
    void consume(std::size_t count);
    /// Drops all unsent bytes and gives the buffer back.
    void clear();

private:
    struct Reference {
        std::size_t offset = 0;  // the payload belongs before the buffer byte at this index
        Blob blob;
        Bytes part;  // the part of the payload that is still unsent
    };

    std::size_t capacity() const { return buffer_.capacity; }
    void grow(std::size_t size);

    BufferPool* pool_;
    BufferPool::Buffer buffer_;
    std::size_t begin_ = 0;  // index of the first unsent byte in the buffer
    std::size_t end_ = 0;    // index behind the last byte in the buffer
    std::size_t size_ = 0;   // unsent bytes, referenced payloads included
    std::uint64_t consumed_ = 0;
    std::unique_ptr<Ring<Reference>> references_;
};

}  // namespace ledge::session
