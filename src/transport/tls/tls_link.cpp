// TlsLink: MQTT over TLS. The link reads the socket itself and feeds the bytes to the session.
#include "tls_link.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/outbox.hpp"

namespace ledge::transport {

std::unique_ptr<TlsLink> TlsLink::create(std::unique_ptr<net::TlsSession> session, Driver& driver) {
    std::unique_ptr<TlsLink> link(new TlsLink(std::move(session), driver));
    return link->start() ? std::move(link) : nullptr;
}

/// One read brings many records. mbedTLS by itself would call the kernel twice for each record.
void TlsLink::read(bool is_broken) {
    mark_active();
    const std::span<Byte> encrypted = receive(is_broken);
    if (encrypted.empty()) return;
    // The link lingers: its input is only counted and dropped, so it need not be decrypted.
    if (is_finished_) return driver().received(*this, encrypted);
    session_->feed(encrypted);
    decrypt();
}

/// Decrypts all bytes that were fed. The poller does not know of complete records inside mbedTLS, so none may remain
/// there.
void TlsLink::decrypt() {
    std::array<Byte, net::TlsSession::record_bytes_max> plain;
    net::TlsSession::Transfer last;
    while (session_ != nullptr && last.status == net::TlsSession::Status::done) {
        std::size_t size = 0;
        while (size < plain.size()) {
            last = session_->read(std::span(plain).subspan(size));
            if (last.status != net::TlsSession::Status::done) break;
            size += last.bytes;
        }
        LEDGE_ASSERT(size <= plain.size());
        if (size > 0) driver().received(*this, std::span(plain).first(size));  // may close the link
    }
    const bool is_over =
        last.status == net::TlsSession::Status::ended || last.status == net::TlsSession::Status::failed;
    if (session_ != nullptr && is_over) driver().lost(*this);
}

Link::Wrote TlsLink::write(session::Outbox& outbox) {
    LEDGE_ASSERT(session_ != nullptr);
    mark_active();
    while (!outbox.empty()) {
        std::array<Bytes, parts_per_record_max> parts;
        const std::size_t count = outbox.gather(parts);
        const net::TlsSession::Transfer sent = session_->write(std::span<const Bytes>(parts).first(count));
        if (sent.status == net::TlsSession::Status::done) {
            // After want_write, TLS reports the bytes of the earlier call, and the outbox still contains them.
            outbox.consume(std::min(sent.bytes, outbox.size()));
        } else if (sent.status == net::TlsSession::Status::failed) {
            return Wrote::failed;
        } else {
            // The session keeps the encrypted record and sends its rest when the socket is writable.
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

}  // namespace ledge::transport
