#include "ledge/os/descriptor.hpp"

#include <unistd.h>

#include <cerrno>

namespace ledge::os {

// On Linux, close(2) frees the number even when the call fails. A caller that must know whether its bytes have reached
// the disk calls fsync(2) first. The caller's errno is restored, because errno often holds the reason why the caller
// closes the descriptor.
void Descriptor::reset(int number) {
    const int closing = std::exchange(number_, number);
    if (closing < 0) return;
    const int error = errno;
    ::close(closing);
    errno = error;
}

}  // namespace ledge::os
