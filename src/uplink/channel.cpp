#include "ledge/uplink/channel.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::uplink {

using Status = net::ClientStream::Status;

Channel::Channel(net::Poller& poller, std::unique_ptr<net::ClientStream> stream)
    : poller_(poller), stream_(std::move(stream)), read_needs_(EPOLLIN) {
    LEDGE_ASSERT(stream_ != nullptr);
    // TLS may have decrypted bytes together with the end of the handshake. The poller would never report them.
    if (stream_->has_unread()) read_needs_ = 0;
}

Channel::~Channel() {
    if (is_registered_) poller_.remove(stream_->descriptor());
}

bool Channel::start() {
    LEDGE_ASSERT(!is_registered_);
    watched_ = EPOLLIN;
    is_registered_ = poller_.add(stream_->descriptor(), *this, watched_);
    return is_registered_;
}

void Channel::on_ready(std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        is_broken_ = true;
        read_needs_ = write_needs_ = 0;  // the next read tells the reason
        return;
    }
    if ((events & read_needs_) != 0) read_needs_ = 0;
    if ((events & write_needs_) != 0) write_needs_ = 0;
}

std::size_t Channel::read(std::span<Byte> into) {
    LEDGE_ASSERT(is_registered_ && !is_ended_);
    if (read_needs_ != 0) return 0;
    const net::ClientStream::Transfer got = stream_->read(into);
    switch (got.status) {
        case Status::done: return got.bytes;
        case Status::want_read: read_needs_ = EPOLLIN; break;
        case Status::want_write: read_needs_ = EPOLLOUT; break;
        case Status::ended:
            is_ended_by_peer_ = true;
            if (reason_.empty()) reason_ = "the peer has closed the connection";
            end();
            return 0;
        case Status::failed:
            fail();
            end();
            return 0;
    }
    // The poller would report a broken connection without end, and nothing more can come.
    if (is_broken_) end();
    return 0;
}

std::size_t Channel::write(Bytes bytes) {
    LEDGE_ASSERT(is_registered_);
    if (!may_write()) return 0;
    const net::ClientStream::Transfer sent = stream_->write(bytes);
    switch (sent.status) {
        case Status::done: return sent.bytes;
        case Status::want_read: write_needs_ = EPOLLIN; break;
        case Status::want_write: write_needs_ = EPOLLOUT; break;
        case Status::ended:
        case Status::failed:
            fail();
            read_needs_ = 0;  // the peer's last bytes, for example DISCONNECT with a reason, may still be unread
            break;
    }
    return 0;
}

void Channel::finish() {
    LEDGE_ASSERT(is_registered_ && !is_finished_);
    is_finished_ = true;
    stream_->finish();
}

void Channel::watch(bool wants_read, bool wants_write) {
    LEDGE_ASSERT(is_registered_);
    const std::uint32_t wanted = (wants_read ? read_needs_ : 0U) | (wants_write ? write_needs_ : 0U);
    if (wanted == watched_) return;
    watched_ = wanted;
    poller_.change(stream_->descriptor(), *this, watched_);
}

void Channel::fail() {
    is_broken_ = true;
    if (stream_->is_reset()) is_ended_by_peer_ = true;
    if (reason_.empty()) reason_ = stream_->failure_reason();
}

void Channel::end() {
    is_broken_ = is_ended_ = true;
    if (reason_.empty()) reason_ = "the connection is broken";
}

}  // namespace ledge::uplink
