// SocketLink: MQTT over a plain TCP or Unix socket.
#include "socket_link.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/outbox.hpp"

namespace ledge::transport {

namespace {

// MSG_NOSIGNAL: writing to a closed connection must not end the process with SIGPIPE.
constexpr int send_flags = MSG_NOSIGNAL | MSG_DONTWAIT;

ssize_t send_one(int descriptor, Bytes part) { return ::send(descriptor, part.data(), part.size(), send_flags); }

ssize_t send_many(int descriptor, std::span<const Bytes> parts) {
    LEDGE_ASSERT(parts.size() <= SocketLink::parts_per_send_max);
    std::array<iovec, SocketLink::parts_per_send_max> vectors;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        // iovec has no const, because readv(2) uses it as well; sendmsg(2) only reads the bytes.
        vectors[i] = {const_cast<Byte*>(parts[i].data()), parts[i].size()};
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

std::unique_ptr<SocketLink> SocketLink::create(os::Descriptor socket, Driver& driver) {
    std::unique_ptr<SocketLink> link(new SocketLink(std::move(socket), driver));
    return link->start() ? std::move(link) : nullptr;
}

[[gnu::hot]] void SocketLink::read(bool is_broken) {
    if (const std::span<Byte> bytes = receive(is_broken); !bytes.empty()) driver().received(*this, bytes);
}

[[gnu::hot]] Link::Wrote SocketLink::write(session::Outbox& outbox) {
    while (!outbox.empty()) {
        std::array<Bytes, 2> front;
        std::size_t count = outbox.gather(front);
        std::size_t wanted = front[0].size();
        ssize_t sent;
        if (count == 1) {  // nearly always: the outbox has copied frames only, in one piece
            sent = send_one(descriptor(), front[0]);
        } else {
            std::array<Bytes, parts_per_send_max> parts;
            count = outbox.gather(parts);
            wanted = size_of(std::span(parts).first(count));
            sent = send_many(descriptor(), std::span(parts).first(count));
        }
        if (sent < 0 && errno == EINTR) continue;
        // ENOBUFS passes when the system has memory again, so the link waits as for a full socket.
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return Wrote::failed;
        if (sent > 0) outbox.consume(static_cast<std::size_t>(sent));
        if (sent < 0 || static_cast<std::size_t>(sent) < wanted) {
            set_writable_wanted(true);
            return Wrote::part;  // the socket's buffer is full; the poller reports when it has room
        }
    }
    return Wrote::all;
}

// Only the sending direction: the peer may still send, and its bytes are read until its own end.
void SocketLink::finish() { ::shutdown(descriptor(), SHUT_WR); }

void SocketLink::close() noexcept {
    mark_closed();
    socket_.reset();
}

}  // namespace ledge::transport
