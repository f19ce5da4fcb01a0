#include "polled_link.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace ledge::transport {

bool PolledLink::start() { return driver_.poller().add(descriptor_, *this, EPOLLIN); }

void PolledLink::on_ready(std::uint32_t events) {
    if (is_closed()) return;  // by an earlier event of the same poll
    const bool is_broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if ((events & EPOLLOUT) != 0 && is_writable_wanted_) {
        set_writable_wanted(false);
        driver_.writable(*this);
    }
    if (is_closed()) return;
    if (!is_reading_ && is_broken) return unwatch();
    if (is_reading_ && ((events & EPOLLIN) != 0 || is_broken)) read(is_broken);
}

// A level-triggered report is repeated until it is answered. A broken connection on which recv() says "try again" would
// keep the loop spinning, so it counts as lost.
std::span<Byte> PolledLink::receive(bool is_broken) {
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
    is_watched_ = driver_.poller().add(descriptor_, *this, wanted_events());
    if (!is_watched_) driver_.lost(*this);
}

void PolledLink::watch() { driver_.poller().change(descriptor_, *this, wanted_events()); }

// epoll reports the end of a peer also to a link that does not read, again and again. The link leaves the poller until
// it reads again: then it gets what the peer had sent before its end, and the end.
void PolledLink::unwatch() {
    if (!is_watched_) return;
    is_watched_ = false;
    driver_.poller().remove(descriptor_);
}

}  // namespace ledge::transport
