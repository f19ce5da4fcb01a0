#include "tls_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ledge::transport {

std::unique_ptr<TlsLink> TlsLink::create(std::unique_ptr<TlsSession> session, Driver& driver) {
    const int descriptor = session->descriptor();
    std::unique_ptr<TlsLink> link(new TlsLink(std::move(session), driver));
    if (!driver.poller().add(descriptor, *link, EPOLLIN)) return nullptr;
    return link;
}

void TlsLink::on_ready(std::uint32_t events) {
    if (session_ == nullptr) return;  // closed by an earlier event of the same poll
    stir();
    if ((events & EPOLLOUT) != 0 && is_writable_wanted_) {
        set_writable_wanted(false);
        driver_.writable(*this);
    }
    if (session_ == nullptr) return;
    if (!is_reading_ && (events & (EPOLLHUP | EPOLLERR)) != 0) return unwatch();
    if (is_reading_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read((events & (EPOLLHUP | EPOLLERR)) != 0);
}

/// One read for one report, many records at once: mbedTLS by itself would ask the kernel twice for each.
void TlsLink::read(bool is_broken) {
    const std::span<Byte> buffer = driver_.read_buffer().first(read_bytes_max());
    const ssize_t count = ::recv(session_->descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
        const std::span<Byte> encrypted = buffer.first(static_cast<std::size_t>(count));
        if (is_finished_) return driver_.received(*this, encrypted);
        session_->feed(encrypted);
        return decrypt();
    }
    const bool is_alive = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (!is_alive || is_broken) driver_.lost(*this);
}

/// All that was fed: mbedTLS keeps the beginning of a record, and nobody would tell us of a whole one inside.
void TlsLink::decrypt() {
    std::array<Byte, TlsSession::record_bytes_max> plain;
    TlsSession::Transfer last;
    while (session_ != nullptr && last.status == TlsSession::Status::done) {
        std::size_t size = 0;
        while (size < plain.size()) {
            last = session_->read(std::span(plain).subspan(size));
            if (last.status != TlsSession::Status::done) break;
            size += last.bytes;
        }
        if (size > 0) driver_.received(*this, std::span(plain).first(size));
    }
    const bool is_over = last.status == TlsSession::Status::ended || last.status == TlsSession::Status::failed;
    if (session_ != nullptr && is_over) driver_.lost(*this);
}

Link::Wrote TlsLink::write(session::Outbox& outbox) {
    stir();
    while (!outbox.empty()) {
        std::array<Bytes, parts_per_record_max> parts;
        const std::size_t count = outbox.gather(parts);
        const TlsSession::Transfer sent = session_->write(std::span<const Bytes>(parts).first(count));
        if (sent.status == TlsSession::Status::done) {
            outbox.consume(std::min(sent.bytes, outbox.size()));
        } else if (sent.status == TlsSession::Status::failed) {
            return Wrote::failed;
        } else {
            set_writable_wanted(true);
            return Wrote::part;
        }
    }
    return Wrote::all;
}

void TlsLink::finish() {
    is_finished_ = true;
    session_->finish();
}

void TlsLink::set_writable_wanted(bool is_wanted) {
    if (is_writable_wanted_ == is_wanted) return;
    is_writable_wanted_ = is_wanted;
    if (is_watched_) watch();
}

void TlsLink::set_reading(bool is_wanted) {
    is_reading_ = is_wanted;
    if (is_watched_ || !is_wanted) return watch();
    is_watched_ = driver_.poller().add(session_->descriptor(), *this, EPOLLIN | (is_writable_wanted_ ? EPOLLOUT : 0U));
    if (!is_watched_) driver_.lost(*this);
}

void TlsLink::watch() {
    driver_.poller().change(session_->descriptor(), *this,
                            (is_reading_ ? EPOLLIN : 0U) | (is_writable_wanted_ ? EPOLLOUT : 0U));
}

/// The peer is gone while it is not read, epoll would say so for ever. What it has sent is read later, then its end.
void TlsLink::unwatch() {
    if (!is_watched_) return;
    is_watched_ = false;
    driver_.poller().remove(session_->descriptor());
}

}  // namespace ledge::transport
