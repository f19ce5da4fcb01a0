// PolledLink: which events of its descriptor a link wants, and what it does with a report of the poller.
#include "polled_link.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "ledge/base/assert.hpp"

namespace ledge::transport {

bool PolledLink::start() {
    LEDGE_ASSERT(!is_closed());
    return driver_.poller().add(descriptor_, *this, EPOLLIN);
}

[[gnu::hot]] void PolledLink::on_ready(std::uint32_t events) {
    if (is_closed()) return;  // an earlier event of the same poll has closed the link
    const bool is_broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if ((events & EPOLLOUT) != 0 && is_writable_wanted_) {
        set_writable_wanted(false);
        driver_.writable(*this);
    }
    // The write may have found the connection broken.
    if (is_closed()) return;
    if (!is_reading_ && is_broken) return unwatch();
    if (is_reading_ && ((events & EPOLLIN) != 0 || is_broken)) read(is_broken);
}

// The poller repeats a level-triggered report until its cause is gone. If a connection is broken and recv(2) returns
// EAGAIN, the report would be repeated without end, so the link counts as lost.
[[gnu::hot]] std::span<Byte> PolledLink::receive(bool is_broken) {
    LEDGE_ASSERT(!is_closed());
    const std::span<Byte> buffer = driver_.read_buffer().first(read_bytes_max());
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) return buffer.first(static_cast<std::size_t>(count));
    const bool is_alive = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (!is_alive || is_broken) driver_.lost(*this);
    return {};
}

std::uint32_t PolledLink::wanted_events() const {
    return (is_reading_ ? EPOLLIN : 0U) | (is_writable_wanted_ ? EPOLLOUT : 0U);
}

void PolledLink::set_writable_wanted(bool is_wanted) {
    if (is_writable_wanted_ == is_wanted) return;
    is_writable_wanted_ = is_wanted;
    if (is_watched_) watch();
}

void PolledLink::set_reading(bool is_wanted) {
    is_reading_ = is_wanted;
    if (is_watched_ || !is_wanted) return watch();
    // The link has left the poller in unwatch().
    is_watched_ = driver_.poller().add(descriptor_, *this, wanted_events());
    if (!is_watched_) driver_.lost(*this);
}

void PolledLink::watch() { driver_.poller().change(descriptor_, *this, wanted_events()); }

// epoll repeats the report of a peer's end also for a link that does not read. The link therefore leaves the poller
// until it reads again. Then it reads the peer's last bytes, and after them the end.
void PolledLink::unwatch() {
    if (!is_watched_) return;
    is_watched_ = false;
    driver_.poller().remove(descriptor_);
}

}  // namespace ledge::transport
