// Named for the platform: glibc's malloc.
#include "paged_memory.hpp"

#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace ledge::transport {

#if defined(__GLIBC__)

constexpr int threshold_bytes = 16 * 1024;
constexpr int usual_threshold_bytes = 128 * 1024;  // glibc's default

PagedMemory::PagedMemory() { ::mallopt(M_MMAP_THRESHOLD, threshold_bytes); }
PagedMemory::~PagedMemory() { ::mallopt(M_MMAP_THRESHOLD, usual_threshold_bytes); }

#else

PagedMemory::PagedMemory() = default;
PagedMemory::~PagedMemory() = default;

#endif

}  // namespace ledge::transport
