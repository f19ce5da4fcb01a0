// Memory of blobs: one heap block for the head and the bytes.
#include "ledge/base/blob.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "ledge/base/assert.hpp"

namespace ledge {

std::pair<Blob, Byte*> Blob::make(std::size_t size, std::uint64_t* account) {
    LEDGE_ASSERT(size <= std::numeric_limits<std::uint32_t>::max() - sizeof(Head));
    void* memory = std::malloc(sizeof(Head) + size);
    if (memory == nullptr) {  // malloc() reports nothing, so do what operator new does when memory is short
        if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) handler();
        throw std::bad_alloc();
    }
    auto* head = new (memory) Head{1, static_cast<std::uint32_t>(size), account};
    if (account != nullptr) *account += memory_of(*head);
    return {Blob(head), reinterpret_cast<Byte*>(head + 1)};
}

Blob Blob::copy_of(Bytes bytes) {
    auto [blob, place] = make(bytes.size());
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    return blob;
}

void Blob::release(Head* head) noexcept {
    LEDGE_ASSERT(head->references == 0);
    if (head->account != nullptr) *head->account -= memory_of(*head);
    std::free(head);
}

}  // namespace ledge
