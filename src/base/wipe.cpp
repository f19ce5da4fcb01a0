// Overwrites secrets with explicit_bzero(), which the compiler does not remove.
#include "ledge/base/wipe.hpp"

#include <string.h>

namespace ledge {

void wipe(void* bytes, std::size_t size) {
    if (size > 0) ::explicit_bzero(bytes, size);  // with size 0 the pointer may be null
}

}  // namespace ledge
