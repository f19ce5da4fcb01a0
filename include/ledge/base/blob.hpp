// Blob: immutable bytes with an intrusive, non-atomic reference count. From base to broker, Blob is the only type with
// shared ownership. A Blob stays on the thread of its shard; other threads get copies of the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "ledge/base/bytes.hpp"

namespace ledge {

class Blob {
public:
    Blob() = default;
    Blob(const Blob& other) noexcept : head_(other.head_) {
        if (head_ != nullptr) ++head_->references;
    }
    Blob(Blob&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
    Blob& operator=(Blob other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~Blob() {
        if (head_ != nullptr && --head_->references == 0) release(head_);
    }

    /// Returns an uninitialised blob of `size` bytes, and a pointer to these bytes. The caller fills the bytes once,
    /// before sharing the blob. The blob's memory in bytes is added to `*account` until the last reference ends, so
    /// `*account` must outlive the blob. nullptr = the memory is not counted.
    static std::pair<Blob, Byte*> make(std::size_t size, std::uint64_t* account = nullptr);
    /// Returns a blob with a copy of `bytes`. Its memory is not counted.
    static Blob copy_of(Bytes bytes);

    explicit operator bool() const { return head_ != nullptr; }
    const Byte* data() const { return reinterpret_cast<const Byte*>(head_ + 1); }
    std::size_t size() const { return head_ != nullptr ? head_->size : 0; }
    Bytes bytes() const { return head_ != nullptr ? Bytes(data(), head_->size) : Bytes(); }
    std::uint32_t references() const { return head_ != nullptr ? head_->references : 0; }

private:
    // One heap block holds the head and, right behind the head, the `size` bytes of content.
    struct alignas(16) Head {
        std::uint32_t references;
        std::uint32_t size;      // bytes of content
        std::uint64_t* account;  // the sum that counts this block, or nullptr
    };
    static std::uint64_t memory_of(const Head& head) { return sizeof(Head) + head.size; }

    explicit Blob(Head* head) : head_(head) {}
    static void release(Head* head) noexcept;

    Head* head_ = nullptr;
};

}  // namespace ledge
