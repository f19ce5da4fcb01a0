// Signals: turns SIGTERM, SIGINT, SIGHUP and SIGUSR2 into calls on the loop's thread. ProcessServices owns the object.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace ledge::runtime {

class Signals {
public:
    /// `on_signal` is called with the signal's number each time a signal arrives. Throws boost::system::system_error
    /// when the system refuses to report signals.
    Signals(boost::asio::io_context& io, std::function<void(int)> on_signal);
    /// The process reacts to the signals as before the constructor.
    ~Signals() = default;

private:
    void wait();

    boost::asio::signal_set set_;
    std::function<void(int)> on_signal_;
};

}  // namespace ledge::runtime
