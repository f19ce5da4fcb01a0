// ClientStream: the same read and write over a plain socket and over TLS. All calls are non-blocking.
#include "ledge/net/client_stream.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/net/tls_session.hpp"

namespace ledge::net {
namespace {

// The two enums have the same values, so that one is cast to the other.
constexpr bool is_same(ClientStream::Status ours, TlsSession::Status theirs) {
    return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(is_same(ClientStream::Status::done, TlsSession::Status::done));
static_assert(is_same(ClientStream::Status::want_read, TlsSession::Status::want_read));
static_assert(is_same(ClientStream::Status::want_write, TlsSession::Status::want_write));
static_assert(is_same(ClientStream::Status::ended, TlsSession::Status::ended));
static_assert(is_same(ClientStream::Status::failed, TlsSession::Status::failed));

ClientStream::Transfer same(const TlsSession::Transfer& transfer) {
    return {static_cast<ClientStream::Status>(transfer.status), transfer.bytes};
}

}  // namespace

ClientStream::ClientStream(os::Descriptor socket) : socket_(std::move(socket)) { LEDGE_ASSERT(socket_.is_open()); }

ClientStream::ClientStream(std::unique_ptr<TlsSession> session) : session_(std::move(session)) {
    LEDGE_ASSERT(session_ != nullptr && session_->is_secured());
}

ClientStream::~ClientStream() {
    // With TLS even at the close, so that the server can tell this end from a connection that was cut off.
    if (session_ != nullptr) finish();
}

void ClientStream::finish() {
    if (std::exchange(is_finished_, true)) return;
    if (session_ != nullptr)
        session_->finish();
    else
        ::shutdown(socket_.get(), SHUT_WR);  // an error means that the connection has ended already
}

int ClientStream::descriptor() const { return session_ != nullptr ? session_->descriptor() : socket_.get(); }

ClientStream::Transfer ClientStream::read(std::span<Byte> into) {
    LEDGE_ASSERT(!into.empty());  // recv(2) of no bytes returns 0, which would look like the peer's end
    if (session_ != nullptr) return same(session_->read(into));
    const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
    return count == 0 ? Transfer{Status::ended, 0} : outcome_of(count, Status::want_read);
}

ClientStream::Transfer ClientStream::write(Bytes bytes) {
    LEDGE_ASSERT(!bytes.empty() && !is_finished_);
    // After want_write, TLS expects the same bytes again, because they are encrypted already (TlsSession::write).
    if (session_ != nullptr) return same(session_->write({&bytes, 1}));
    return outcome_of(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
                      Status::want_write);
}

/// The outcome of recv(2) or send(2) from the call's result, which is not 0 for recv(2), and errno.
ClientStream::Transfer ClientStream::outcome_of(std::ptrdiff_t result, Status when_not_ready) {
    if (result > 0) return {Status::done, static_cast<std::size_t>(result)};
    // EINTR and ENOBUFS pass by themselves; a repeated call is better than the end of the connection.
    const bool is_not_ready = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS;
    if (is_not_ready) return {when_not_ready, 0};
    // Kept here, because later system calls overwrite errno before failure_reason() is called.
    error_ = errno;
    return {Status::failed, 0};
}

bool ClientStream::has_unread() const { return session_ != nullptr && session_->has_unread(); }

std::string ClientStream::failure_reason() const {
    return session_ != nullptr ? session_->failure_reason() : std::strerror(error_);
}

bool ClientStream::is_reset() const { return error_ == ECONNRESET || error_ == EPIPE; }

}  // namespace ledge::net
