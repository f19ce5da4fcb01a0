// Poller: reports which plain sockets are ready. It has an epoll instance of its own, level-triggered. The Asio loop
// watches the one descriptor of that instance, and calls poll() when the descriptor is readable. BrokerLoop owns the
// poller; all calls are made on one thread. src/transport/README.md says why the poller exists beside Asio.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::net {

/// An object that waits until a descriptor is ready.
class Pollable {
public:
    /// `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, as epoll_wait reports them.
    virtual void on_ready(std::uint32_t events) = 0;

protected:
    ~Pollable() = default;
};

class Poller {
public:
    static constexpr int events_per_poll_max = 256;

    /// The error says why the system refuses.
    static Result<std::unique_ptr<Poller>, Error> create();
    ~Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// The descriptor of the epoll instance. It is readable when a watched descriptor is ready.
    int descriptor() const { return epoll_.get(); }

    /// Reports `events` of `descriptor` to `whom` until the descriptor is closed or removed. Returns false when the
    /// system refuses; errno says why. `whom` must outlive the poll() during which its descriptor is closed.
    bool add(int descriptor, Pollable& whom, std::uint32_t events);
    /// Reports other events of an added descriptor from now on; 0 = only errors and the end (EPOLLERR, EPOLLHUP).
    void change(int descriptor, Pollable& whom, std::uint32_t events);
    void remove(int descriptor);

    /// Waits at most `wait_max_ms` (-1 = without limit) and calls on_ready() once for each ready descriptor, for at
    /// most events_per_poll_max descriptors. Returns their number. Must not be called from on_ready().
    int poll(int wait_max_ms);

private:
    explicit Poller(os::Descriptor epoll) : epoll_(std::move(epoll)) {}

    os::Descriptor epoll_;
    std::array<epoll_event, events_per_poll_max> events_;
};

}  // namespace ledge::net
