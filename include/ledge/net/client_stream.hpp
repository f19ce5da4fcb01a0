// ClientStream: a connection that this program has opened, plain or with TLS. It knows no event loop: its owner reads
// and writes until a call wants to wait, waits for the descriptor, and goes on. Connector makes the streams. On the
// loop's thread.
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
        done,        // `bytes` have passed, more than none
        want_read,   // call again when the descriptor is readable
        want_write,  // call again, with the same bytes in front, when it is writable
        ended,       // the peer has ended its direction
        failed,      // the connection is of no use any more; failure_reason() says why
    };
    struct Transfer {
        Status status = Status::done;
        std::size_t bytes = 0;
    };

    /// A connected non-blocking socket, without TLS.
    explicit ClientStream(os::Descriptor socket);
    /// A TLS session whose handshake is done.
    explicit ClientStream(std::unique_ptr<TlsSession> session);
    /// Sends the end of TLS as far as the socket accepts it at once, and closes.
    ~ClientStream();
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    int descriptor() const;
    bool is_secured() const { return session_ != nullptr; }

    /// `into` is not empty.
    Transfer read(std::span<Byte> into);
    /// From the front of `bytes`, not empty; at most 16 KiB in TLS.
    Transfer write(Bytes bytes);
    /// read() has some without the descriptor being readable.
    bool has_unread() const;
    std::string failure_reason() const;

private:
    Transfer outcome_of(std::ptrdiff_t result, Status when_not_ready);

    os::Descriptor socket_;                // empty with TLS: the session owns the socket
    std::unique_ptr<TlsSession> session_;  // nullptr: without TLS
    int error_ = 0;                        // an errno
};

}  // namespace ledge::net
