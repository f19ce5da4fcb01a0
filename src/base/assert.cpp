#include "ledge/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace ledge {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s:%d: internal error: assertion '%s' failed\n", file, line, expression);
    std::abort();
}

}  // namespace ledge
