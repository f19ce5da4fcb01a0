#include "stop_signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ledge::cli {

StopSignals::StopSignals(net::Poller& poller, bool& is_stopped) : poller_(poller), is_stopped_(is_stopped) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    // signalfd(2) reports only signals that are blocked.
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
    signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.is_open() || !poller_.add(signals_.get(), *this, EPOLLIN)) {
        signals_.reset();
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
}

StopSignals::~StopSignals() {
    if (!signals_.is_open()) return;
    poller_.remove(signals_.get());
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

/// A second signal has its usual effect, so that a user can end a command that waits for a peer.
void StopSignals::on_ready(std::uint32_t) {
    is_stopped_ = true;
    signalfd_siginfo taken{};
    if (::read(signals_.get(), &taken, sizeof taken) != sizeof taken) return;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace ledge::cli
