// EventLoop: the Asio loop of one thread, the poller of its sockets, one timer for all deadlines, and the clock of the
// turn. It knows when a turn begins, and not what a turn does. A BrokerLoop owns it; on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>

#include "ledge/base/time.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/transport/turn_clock.hpp"

namespace ledge::runtime {

class EventLoop {
public:
    /// `clock_shift` is the time of the shard minus the time of the machine. Throws boost::system::system_error when
    /// the process has no descriptors left.
    EventLoop(std::unique_ptr<net::Poller> poller, Duration clock_shift);
    /// Requires that no socket is registered with the poller any more.
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    boost::asio::io_context& io() { return io_; }
    net::Poller& poller() { return *poller_; }
    transport::TurnClock& clock() { return clock_; }
    /// The time of the present turn, which is the shard's time.
    Instant now() { return clock_.now(); }
    /// The number of turns so far, which is the number of waits.
    std::uint64_t turns() const { return turns_; }

    // ---- The steps of a turn, in their order

    /// Makes the next wait end at `deadline`; `never` = no timer is needed.
    void arm(Instant deadline);
    /// Begins a turn: waits at most `wait_max` for one handler of Asio, and runs the handler.
    void wait(Duration wait_max);
    /// Runs further handlers that need no wait. Worth its system calls only while Asio serves peers.
    void run_ready_handlers();
    /// Serves the sockets of the poller, if Asio has reported that one is ready.
    void poll_sockets();
    /// Ends a turn: makes Asio watch the poller again, if poll_sockets() has polled it.
    void end_turn();

private:
    void watch_sockets();

    boost::asio::io_context io_{1};  // 1 is a hint that one thread runs the loop; other threads may still post
    boost::asio::posix::stream_descriptor sockets_ready_{io_};
    boost::asio::steady_timer timer_{io_};
    transport::TurnClock clock_;
    std::unique_ptr<net::Poller> poller_;
    Instant armed_at_ = never;  // the instant that the timer waits for
    std::uint64_t turns_ = 0;
    bool are_sockets_ready_ = false;  // Asio has reported the poller; Asio watches it again after it was polled
};

}  // namespace ledge::runtime
