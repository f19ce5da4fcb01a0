#include "ledge/base/wipe.hpp"

#include <string.h>

namespace ledge {

void wipe(void* bytes, std::size_t size) {
    if (size > 0) ::explicit_bzero(bytes, size);
}

}  // namespace ledge
