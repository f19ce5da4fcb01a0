#include "socket_link.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace ledge::transport {

namespace {

constexpr int send_flags = MSG_NOSIGNAL | MSG_DONTWAIT;

ssize_t send_one(int descriptor, Bytes part) { return ::send(descriptor, part.data(), part.size(), send_flags); }

ssize_t send_many(int descriptor, std::span<const Bytes> parts) {
    std::array<iovec, SocketLink::parts_per_send_max> vectors;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        vectors[i] = {const_cast<Byte*>(parts[i].data()),
                      parts[i].size()};  // iovec serves reading too; sendmsg only reads
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(descriptor, &message, send_flags);
}

std::size_t size_of(std::span<const Bytes> parts) {
    std::size_t size = 0;
    for (const Bytes& part : parts) size += part.size();
    return size;
}

}  // namespace

std::unique_ptr<SocketLink> SocketLink::create(int descriptor, Driver& driver) {
    std::unique_ptr<SocketLink> link(new SocketLink(descriptor, driver));
    if (!driver.poller().add(descriptor, *link, EPOLLIN)) return nullptr;
    return link;
}

void SocketLink::on_ready(std::uint32_t events) {
    if (descriptor_ < 0) return;  // closed by an earlier event of the same poll
    if ((events & EPOLLOUT) != 0 && is_writable_wanted_) {
        set_writable_wanted(false);
        driver_.writable(*this);
    }
    if (descriptor_ < 0) return;
    if (!is_reading_ && (events & (EPOLLHUP | EPOLLERR)) != 0) return unwatch();
    if (is_reading_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read((events & (EPOLLHUP | EPOLLERR)) != 0);
}

/// One read for one report. `is_broken`: nothing more will ever come, so that "try again" means the end; otherwise a
/// level-triggered report that nobody can quench would keep the loop spinning.
void SocketLink::read(bool is_broken) {
    const std::span<Byte> buffer = driver_.read_buffer().first(read_bytes_max());
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) return driver_.received(*this, buffer.first(static_cast<std::size_t>(count)));
    const bool is_alive = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (!is_alive || is_broken) driver_.lost(*this);
}

Link::Wrote SocketLink::write(session::Outbox& outbox) {
    while (!outbox.empty()) {
        std::array<Bytes, 2> front;
        std::size_t count = outbox.gather(front);
        std::size_t wanted = front[0].size();
        ssize_t sent;
        if (count == 1) {  // nothing but copied frames: nearly always
            sent = send_one(descriptor_, front[0]);
        } else {
            std::array<Bytes, parts_per_send_max> parts;
            count = outbox.gather(parts);
            wanted = size_of(std::span(parts).first(count));
            sent = send_many(descriptor_, std::span(parts).first(count));
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return Wrote::failed;
        if (sent > 0) outbox.consume(static_cast<std::size_t>(sent));
        if (sent < 0 || static_cast<std::size_t>(sent) < wanted) {
            set_writable_wanted(true);
            return Wrote::part;
        }
    }
    return Wrote::all;
}

void SocketLink::finish() { ::shutdown(descriptor_, SHUT_WR); }

void SocketLink::close() noexcept {
    if (descriptor_ < 0) return;
    ::close(descriptor_);  // leaves the poller by itself: nobody else holds the description
    descriptor_ = -1;
}

void SocketLink::set_writable_wanted(bool is_wanted) {
    if (is_writable_wanted_ == is_wanted) return;
    is_writable_wanted_ = is_wanted;
    if (is_watched_) watch();
}

void SocketLink::set_reading(bool is_wanted) {
    is_reading_ = is_wanted;
    if (is_watched_ || !is_wanted) return watch();
    is_watched_ = driver_.poller().add(descriptor_, *this, EPOLLIN | (is_writable_wanted_ ? EPOLLOUT : 0U));
    if (!is_watched_) driver_.lost(*this);
}

void SocketLink::watch() {
    driver_.poller().change(descriptor_, *this, (is_reading_ ? EPOLLIN : 0U) | (is_writable_wanted_ ? EPOLLOUT : 0U));
}

/// The peer is gone while it is not read, epoll would say so for ever. What it has sent is read later, then its end.
void SocketLink::unwatch() {
    if (!is_watched_) return;
    is_watched_ = false;
    driver_.poller().remove(descriptor_);
}

}  // namespace ledge::transport
