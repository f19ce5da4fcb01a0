#include "ledge/uplink/channel.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::uplink {

using Status = net::ClientStream::Status;

Channel::Channel(net::Poller& poller, std::unique_ptr<net::ClientStream> stream, std::unique_ptr<WsClient> web)
    : poller_(poller), stream_(std::move(stream)), web_(std::move(web)), read_needs_(EPOLLIN) {
    LEDGE_ASSERT(stream_ != nullptr);
    // TLS may have decrypted bytes together with the end of the handshake. The poller would never report them.
    if (stream_->has_unread()) read_needs_ = 0;
}

Channel::~Channel() {
    if (web_ != nullptr) {
        web_->close();
        flush_web();
    }
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
    LEDGE_ASSERT(is_registered_ && !is_ended_ && !is_opening() && !into.empty());
    return web_ != nullptr && !is_finished_ ? read_web(into) : read_stream(into);
}

std::size_t Channel::read_stream(std::span<Byte> into) {
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
    LEDGE_ASSERT(is_registered_ && !is_opening() && !bytes.empty());
    if (!may_write()) return 0;
    return web_ != nullptr ? write_web(bytes) : write_stream(bytes);
}

std::size_t Channel::write_stream(Bytes bytes) {
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
    if (web_ != nullptr) {
        web_->close();
        flush_web();
    }
    is_finished_ = true;
    stream_->finish();
}

void Channel::watch(bool wants_read, bool wants_write) {
    LEDGE_ASSERT(is_registered_);
    // Frames that WebSocket writes by itself wait for the socket like bytes of the owner.
    if (web_ != nullptr && !is_finished_ && !web_->output().empty()) wants_write = true;
    const std::uint32_t wanted = (wants_read ? read_needs_ : 0U) | (wants_write ? write_needs_ : 0U);
    if (wanted == watched_) return;
    watched_ = wanted;
    poller_.change(stream_->descriptor(), *this, watched_);
}

// ---------------------------------------------------------------------------------------------------------------------
// WebSocket

bool Channel::is_opening() const { return web_ != nullptr && web_->state() == WsClient::State::opening; }

bridge::RetryClass Channel::retry_class() const {
    return web_ != nullptr ? web_->retry_class() : bridge::RetryClass::network;
}

bool Channel::may_read() const {
    if (is_ended_) return false;
    if (web_ == nullptr || is_finished_) return read_needs_ == 0;
    if (web_->has_unread() || web_->state() == WsClient::State::ended || is_broken_) return true;
    const bool can_flush = !web_->output().empty() && write_needs_ == 0;
    return can_flush || (read_needs_ == 0 && !web_->room().empty());
}

void Channel::go_on() {
    LEDGE_ASSERT(is_registered_ && is_opening() && !is_ended_);
    exchange_web();
    if (web_->state() == WsClient::State::ended) {
        reason_ = web_->reason();
        end();
    } else if (is_ended_ && is_opening()) {
        reason_ = "no answer to the WebSocket request: " + reason_;
    }
}

/// Sends what WebSocket has to send, and reads one piece of the stream. All that has come may be pings.
void Channel::exchange_web() {
    flush_web();
    const std::span<Byte> room = web_->room();
    if (!room.empty()) {
        const std::size_t count = read_stream(room);
        if (count > 0) web_->received(count);
    } else if (is_broken_ && web_->state() == WsClient::State::open) {
        end();  // WebSocket waits for room in a socket that can take nothing any more
    }
    flush_web();
}

std::size_t Channel::read_web(std::span<Byte> into) {
    if (const std::size_t count = web_->read(into)) return count;
    exchange_web();
    if (const std::size_t count = web_->read(into)) return count;
    if (web_->state() == WsClient::State::ended && !is_ended_) {
        is_ended_by_peer_ |= web_->is_ended_by_peer();
        if (reason_.empty()) reason_ = web_->reason();
        end();
    }
    return 0;
}

/// As with TLS, bytes count as written only when the socket has accepted all of their frame. So the owner keeps a last
/// DISCONNECT until it is really sent.
std::size_t Channel::write_web(Bytes bytes) {
    flush_web();
    if (web_accepted_ == 0) web_accepted_ = web_->write(bytes);
    LEDGE_ASSERT(web_accepted_ <= bytes.size());
    flush_web();
    if (web_->state() == WsClient::State::ended) {
        // read() still returns what has come before the end.
        if (reason_.empty()) reason_ = web_->reason();
        is_broken_ = true;
        return 0;
    }
    return web_->has_unsent() ? 0 : std::exchange(web_accepted_, 0);
}

void Channel::flush_web() {
    while (!web_->output().empty() && !is_broken_ && !is_finished_ && write_needs_ == 0) {
        const std::size_t count = write_stream(web_->output());
        if (count == 0) return;
        web_->sent(count);
    }
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
