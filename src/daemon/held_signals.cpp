#include "held_signals.hpp"

#include <sys/signalfd.h>

namespace ledge::daemon {

HeldSignals::HeldSignals() {
    sigset_t held;
    ::sigemptyset(&held);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) ::sigaddset(&held, signal);
    ::pthread_sigmask(SIG_BLOCK, &held, &former_);
    sigset_t stops;
    ::sigemptyset(&stops);
    ::sigaddset(&stops, SIGTERM);
    ::sigaddset(&stops, SIGINT);
    // The descriptor only tells that a signal waits. Without it (no descriptors left) a stop has to wait as well.
    stop_.reset(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
}

HeldSignals::~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &former_, nullptr); }

}  // namespace ledge::daemon
