// Blob: immutable bytes with an intrusive, non-atomic reference count. The only shared ownership in base … broker.
// A Blob lives and dies on the thread of its shard; other threads get copies of the bytes.
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

    /// An uninitialised blob of `size` bytes and the place to fill it, once, before it is shared. Its memory is added
    /// to `account`, a sum that outlives it, until its last holder lets go; nullptr: to none.
    static std::pair<Blob, Byte*> make(std::size_t size, std::uint64_t* account = nullptr);
    static Blob copy_of(Bytes bytes);

    explicit operator bool() const { return head_ != nullptr; }
    const Byte* data() const { return reinterpret_cast<const Byte*>(head_ + 1); }
    std::size_t size() const { return head_ != nullptr ? head_->size : 0; }
    Bytes bytes() const { return head_ != nullptr ? Bytes(data(), head_->size) : Bytes(); }
    std::uint32_t references() const { return head_ != nullptr ? head_->references : 0; }

private:
    struct alignas(16) Head {
        std::uint32_t references;
        std::uint32_t size;
        std::uint64_t* account;
    };
    static std::uint64_t memory_of(const Head& head) { return sizeof(Head) + head.size; }

    explicit Blob(Head* head) : head_(head) {}
    static void release(Head* head) noexcept;

    Head* head_ = nullptr;
};

}  // namespace ledge
