// Overwrites secrets in memory.
#pragma once

#include <cstddef>

namespace ledge {

/// Overwrites the bytes with zeros. The compiler does not leave the writes out, although nobody reads the bytes again.
void wipe(void* bytes, std::size_t size);

}  // namespace ledge
