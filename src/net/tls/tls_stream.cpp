// TlsStream: the members that do not depend on a handler type. Each try_… function makes one non-blocking try; the
// templates of the header repeat it when the socket is ready.
#include "ledge/net/tls_stream.hpp"

#include <array>
#include <boost/system/errc.hpp>
#include <span>

#include "ledge/base/assert.hpp"

namespace ledge::net {

TlsStream::TlsStream(boost::asio::io_context& io, std::unique_ptr<TlsSession> session)
    : socket_(io, session->descriptor()), session_(std::move(session)) {}

TlsStream::~TlsStream() { close(); }

void TlsStream::close() {
    if (!socket_.is_open()) return;
    socket_.release();  // ends the operations under way and leaves the descriptor to the session
    rest_entry_.reset();
    session_.reset();  // closes the descriptor
}

void TlsStream::cancel() {
    boost::system::error_code ignored;
    if (socket_.is_open()) socket_.cancel(ignored);
}

void TlsStream::shutdown() {
    if (!socket_.is_open()) return;
    // close_notify is sent once; a second one would be an alert after the end of the connection.
    if (!is_finished_) session_->finish();
    close();
}

void TlsStream::join(IdleBuffers& rest, Instant now) {
    LEDGE_ASSERT(session_ != nullptr && rest_entry_ == nullptr);
    rest_entry_ = std::make_unique<RestEntry>(*session_);
    rest.add(*rest_entry_, now);
}

/// The session for a read or a write, marked as active; nullptr when the stream is closed.
TlsSession* TlsStream::wake() {
    if (rest_entry_) rest_entry_->mark_active();
    return session_.get();
}

TlsStream::Outcome TlsStream::outcome_of(Status status, std::size_t bytes) const {
    Outcome outcome{status, {}, bytes};
    if (status == Status::ended) outcome.error = boost::asio::error::eof;
    // The exact reason is in TlsSession::failure_reason(). Asio's users only need to know that the stream is broken.
    if (status == Status::failed) outcome.error = make_error_code(boost::system::errc::protocol_error);
    return outcome;
}

TlsStream::Outcome TlsStream::closed() { return {Status::failed, boost::asio::error::bad_descriptor, 0}; }

TlsStream::Outcome TlsStream::try_handshake() {
    return session_ ? outcome_of(session_->handshake(TlsSession::Extent::all)) : closed();
}

TlsStream::Outcome TlsStream::try_read(boost::asio::mutable_buffer into) {
    if (wake() == nullptr) return closed();
    const auto transfer = session_->read({static_cast<Byte*>(into.data()), into.size()});
    return outcome_of(transfer.status, transfer.bytes);
}

TlsStream::Outcome TlsStream::try_write(const Bytes* parts, std::size_t count) {
    if (wake() == nullptr) return closed();
    const auto transfer = session_->write({parts, count});
    return outcome_of(transfer.status, transfer.bytes);
}

/// Waits for the peer's end and drops its further input. Every end counts as success, also a failure of the connection.
TlsStream::Outcome TlsStream::try_drain(std::size_t& drained) {
    if (wake() == nullptr) return closed();
    if (!is_finished_) session_->finish();
    is_finished_ = true;
    std::array<Byte, 4096> dropped;
    while (drained < drained_bytes_max) {
        const auto transfer = session_->read(dropped);
        if (transfer.status != Status::done) {
            const bool must_wait = transfer.status == Status::want_read || transfer.status == Status::want_write;
            return must_wait ? outcome_of(transfer.status) : Outcome{};
        }
        drained += transfer.bytes;
    }
    return {};
}

}  // namespace ledge::net
