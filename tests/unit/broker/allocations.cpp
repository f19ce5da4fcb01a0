#include "allocations.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

std::size_t live = 0;
std::uint64_t blocks = 0;
std::uint64_t fails_at = 0;  // of blocks; 0: none fails

}  // namespace

// Every call of malloc and free in this binary's own objects comes here: -Wl,--wrap.
extern "C" {
void* __real_malloc(std::size_t size);
void __real_free(void* block);

void* __wrap_malloc(std::size_t size) {
    if (fails_at != 0 && blocks + 1 >= fails_at) return nullptr;
    void* block = __real_malloc(size);
    if (block != nullptr) live += malloc_usable_size(block);
    ++blocks;
    return block;
}

void __wrap_free(void* block) {
    if (block != nullptr) live -= malloc_usable_size(block);
    __real_free(block);
}
}

void* operator new(std::size_t size) {
    void* block = std::malloc(size);
    if (block == nullptr) {
        if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) handler();
        throw std::bad_alloc();
    }
    return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
// Also what the standard's algorithms ask for: a sanitizer's own one would not fit our delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

namespace ledge::broker {

std::size_t live_bytes() { return live; }
std::uint64_t allocations() { return blocks; }
void fail_allocations_from(std::uint64_t nth) { fails_at = nth == 0 ? 0 : blocks + nth; }

}  // namespace ledge::broker
