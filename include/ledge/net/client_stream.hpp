// ClientStream: a connection that this program has opened, plain or with TLS. The stream knows no event loop: its owner
// calls read() or write() until the result asks to wait, waits for the descriptor, and calls again. Connector makes the
// streams. On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::net {

class TlsSession;

class ClientStream {
public:
    enum class Status : std::uint8_t {
        done,        // `bytes` bytes were read or written, at least one
        want_read,   // call again when the descriptor is readable
        want_write,  // call again when the descriptor is writable; the data must begin with the same bytes
        ended,       // the peer has ended its direction
        failed,      // the connection is unusable; failure_reason() says why
    };
    struct Transfer {
        Status status = Status::done;
        std::size_t bytes = 0;
    };

    /// A connected non-blocking socket, without TLS.
    explicit ClientStream(os::Descriptor socket);
    /// A TLS session whose handshake is complete.
    explicit ClientStream(std::unique_ptr<TlsSession> session);
    /// With TLS, sends close_notify as finish() does. Then closes the socket. If bytes of the peer are unread or still
    /// under way, the kernel answers them by RST, which may destroy the last bytes written. To prevent this, first call
    /// finish() and read to the end.
    ~ClientStream();
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    int descriptor() const;
    bool is_secured() const { return session_ != nullptr; }
    /// The TLS session, for its facts; nullptr = no TLS.
    const TlsSession* session() const { return session_.get(); }

    /// Reads at most `into.size()` bytes; `into` must not be empty.
    Transfer read(std::span<Byte> into);
    /// Writes bytes from the front of `bytes`, which must not be empty. One call writes at most 16 KiB with TLS.
    Transfer write(Bytes bytes);
    /// Ends this side's direction: sends TLS's close_notify if the socket accepts it at once, then FIN. write() must
    /// not be called afterwards; read() still returns what the peer sends.
    void finish();
    /// True when read() would return bytes although the descriptor is not readable: TLS has decrypted them already.
    bool has_unread() const;
    /// Why the connection has failed, in words. Valid after a call has returned Status::failed.
    std::string failure_reason() const;
    /// True when the peer's RST was the failure. Always false with TLS, whose failures do not tell.
    bool is_reset() const;

private:
    Transfer outcome_of(std::ptrdiff_t result, Status when_not_ready);

    os::Descriptor socket_;                // empty with TLS, because the session owns the socket
    std::unique_ptr<TlsSession> session_;  // nullptr = no TLS
    bool is_finished_ = false;
    int error_ = 0;  // the errno of the failure, without TLS
};

}  // namespace ledge::net
