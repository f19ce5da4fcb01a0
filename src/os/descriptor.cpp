#include "ledge/os/descriptor.hpp"

#include <unistd.h>

#include <cerrno>

namespace ledge::os {

// close(2) may fail, but the number is free afterwards on Linux, whatever the answer is. A caller that has to know
// whether its bytes reached the disk calls fsync first. The caller's errno survives, because it often names the reason
// why the descriptor is being closed.
void Descriptor::reset(int number) {
    const int closing = std::exchange(number_, number);
    if (closing < 0) return;
    const int error = errno;
    ::close(closing);
    errno = error;
}

}  // namespace ledge::os
