#include "event_loop.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {

namespace {

constexpr int handlers_per_turn_max = 128;  // Asio handlers per turn; the answers of all of them leave together

}  // namespace

EventLoop::EventLoop(std::unique_ptr<net::Poller> poller, Duration clock_shift)
    : clock_(read_clock, clock_shift), poller_(std::move(poller)) {
    LEDGE_ASSERT(poller_ != nullptr);
    // This is the last step that may throw: after it, the destructor must run to give the descriptor back to the
    // poller.
    sockets_ready_.assign(poller_->descriptor());
    watch_sockets();
}

EventLoop::~EventLoop() { sockets_ready_.release(); }  // the poller owns the descriptor and closes it

/// Asks Asio to report once when a socket of the poller is ready. end_turn() asks again after the poller was polled.
void EventLoop::watch_sockets() {
    are_sockets_ready_ = false;
    sockets_ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                              [this](const boost::system::error_code& error) {
                                  if (!error) are_sockets_ready_ = true;
                              });
}

/// Deadlines mostly move later, because each packet moves a keep alive. In that case the timer stays as it is: one
/// unneeded wake-up later is cheaper than setting the timer for each packet.
void EventLoop::arm(Instant deadline) {
    if (deadline >= armed_at_) return;
    armed_at_ = deadline;
    // The shard's time differs from the machine's by clock_.shift(). A deadline in the past becomes "now", because a
    // deadline such as Instant::min() minus the shift would overflow.
    timer_.expires_at(to_steady(std::max(deadline, now()) - clock_.shift()));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) armed_at_ = never;
    });
}

void EventLoop::wait(Duration wait_max) {
    clock_.begin_turn();  // now() reads the machine's clock again, at its first call after the wait
    if (wait_max == Duration::max()) {
        io_.run_one();
    } else if (wait_max <= Duration::zero()) {
        io_.poll_one();  // run_one_for() would run no handler at all
    } else {
        io_.run_one_for(wait_max);
    }
    ++turns_;
}

void EventLoop::run_ready_handlers() {
    for (int i = 1; i < handlers_per_turn_max && io_.poll_one() > 0; ++i) {
    }
}

void EventLoop::poll_sockets() {
    if (are_sockets_ready_) poller_->poll(0);
}

void EventLoop::end_turn() {
    if (are_sockets_ready_) watch_sockets();
}

}  // namespace ledge::runtime
