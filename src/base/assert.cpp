// The end of the process after a failed assertion.
#include "ledge/base/assert.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace ledge {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    // Write only if standard error accepts bytes now: a pipe that nobody reads must not delay the end of the process.
    pollfd error{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&error, 1, 0) == 1)
        std::fprintf(stderr, "%s:%d: internal error: assertion '%s' failed\n", file, line, expression);
    std::abort();
}

}  // namespace ledge
