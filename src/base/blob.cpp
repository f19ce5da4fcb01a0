// Memory of blobs: one heap block for the head and the bytes.
#include "ledge/base/blob.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "ledge/base/assert.hpp"

namespace ledge {

[[gnu::hot]] std::pair<Blob, Byte*> Blob::make(std::size_t size, std::uint64_t* account) {
    // The size has 32 bits, which is enough: a packet of MQTT has at most 256 MiB.
    LEDGE_ASSERT(size <= std::numeric_limits<std::uint32_t>::max() - sizeof(Head));
    void* memory = std::malloc(sizeof(Head) + size);
    if (memory == nullptr) {  // malloc() reports nothing, so do what operator new does when memory is short
        if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) handler();
        throw std::bad_alloc();
    }
    auto* head = new (memory) Head{1, static_cast<std::uint32_t>(size), account};
    // Charged with the head: many small messages cost more for their heads than for their bytes.
    if (account != nullptr) *account += memory_of(*head);
    return {Blob(head), reinterpret_cast<Byte*>(head + 1)};
}

Blob Blob::copy_of(Bytes bytes) {
    auto [blob, place] = make(bytes.size());
    // memcpy() with the null pointer of an empty view is undefined, even for 0 bytes.
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    return blob;
}

[[gnu::hot]] void Blob::release(Head* head) noexcept {
    LEDGE_ASSERT(head->references == 0);
    // The account must outlive its blobs. The last reference may end long after the call that made the blob.
    if (head->account != nullptr) *head->account -= memory_of(*head);
    std::free(head);
}

}  // namespace ledge
