// Poller: epoll in level-triggered mode. A report is repeated until its cause is gone, so no event can be missed.
#include "ledge/net/poller.hpp"

#include <cerrno>

#include "ledge/base/assert.hpp"

namespace ledge::net {

Result<std::unique_ptr<Poller>, Error> Poller::create() {
    os::Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.is_open()) return Failure{Error{system_code(errno), "cannot create the event loop"}};
    return std::unique_ptr<Poller>(new Poller(std::move(epoll)));
}

bool Poller::add(int descriptor, Pollable& whom, std::uint32_t events) {
    LEDGE_ASSERT(descriptor >= 0);
    epoll_event event{};
    event.events = events;
    event.data.ptr = &whom;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Poller::change(int descriptor, Pollable& whom, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &whom;
    // Fails only if the descriptor is not in the poller, which is a mistake of the caller.
    LEDGE_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0);
}

void Poller::remove(int descriptor) {
    LEDGE_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr) == 0);
}

[[gnu::hot]] int Poller::poll(int wait_max_ms) {
    const int count = ::epoll_wait(epoll_.get(), events_.data(), events_per_poll_max, wait_max_ms);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        // The call may close other descriptors of the same poll. Their objects must live until the end of the turn,
        // because their events still point to them.
        static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
    }
    return count > 0 ? count : 0;  // a signal (EINTR) counts as "no event"
}

}  // namespace ledge::net
