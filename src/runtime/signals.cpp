#include "signals.hpp"

#include <csignal>
#include <utility>

namespace ledge::runtime {

Signals::Signals(boost::asio::io_context& io, std::function<void(int)> on_signal)
    : set_(io, SIGTERM, SIGINT, SIGHUP), on_signal_(std::move(on_signal)) {
    set_.add(SIGUSR2);  // the constructor of the set takes three signals at most
    wait();
}

void Signals::wait() {
    set_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;  // the wait was cancelled because the object is being destroyed
        wait();             // ask for the next signal
        on_signal_(signal);
    });
}

}  // namespace ledge::runtime
