// Signals: SIGTERM, SIGINT and SIGHUP as calls on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>

namespace ledge::runtime {

class Signals {
public:
    /// `on_signal` gets the signal's number, each time it arrives. Throws boost::system::system_error when the system
    /// refuses.
    Signals(boost::asio::io_context& io, std::function<void(int)> on_signal);
    /// The process's former reaction is back.
    ~Signals() = default;

private:
    void wait();

    boost::asio::signal_set set_;
    std::function<void(int)> on_signal_;
};

}  // namespace ledge::runtime
