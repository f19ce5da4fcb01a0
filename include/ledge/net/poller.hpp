// Poller: tells which plain sockets are ready, through an epoll instance of its own, level-triggered. The Asio loop
// watches the one descriptor of that instance; a busy turn asks the poller directly. Used on one thread.
// src/transport/README.md says why it exists.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "ledge/base/result.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::net {

/// An object that waits for a descriptor.
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

    /// The error is an errno.
    static Result<std::unique_ptr<Poller>, int> create();
    ~Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Readable when a watched descriptor is ready.
    int descriptor() const { return epoll_.get(); }

    /// Reports `events` of `descriptor` to `whom` until the descriptor is closed or removed. false: the system refused.
    /// `whom` outlives the poll() in which its descriptor was closed.
    bool add(int descriptor, Pollable& whom, std::uint32_t events);
    void change(int descriptor, Pollable& whom, std::uint32_t events);
    void remove(int descriptor);

    /// Waits at most `wait_max_ms` (-1: for ever) and reports what is ready, each descriptor once, at most
    /// events_per_poll_max. Returns how many. Not to be called from on_ready.
    int poll(int wait_max_ms);

private:
    explicit Poller(os::Descriptor epoll) : epoll_(std::move(epoll)) {}

    os::Descriptor epoll_;
    std::array<epoll_event, events_per_poll_max> events_;
};

}  // namespace ledge::net
