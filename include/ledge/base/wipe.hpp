// Overwrites secrets in memory. Stateless.
#pragma once

#include <cstddef>

namespace ledge {

/// Overwrites the bytes with zeros. The compiler may not remove these writes, although no code reads the bytes again.
void wipe(void* bytes, std::size_t size);

}  // namespace ledge
