// ClientStream: a connection that we have opened, plain or in TLS, without any loop: read and write until they want to
// wait, wait for the descriptor, go on. Connector makes them. On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"

namespace ledge::transport {

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

    /// Takes over `descriptor`, a connected non-blocking socket.
    explicit ClientStream(int descriptor);
    /// The same in TLS, agreed on.
    explicit ClientStream(std::unique_ptr<TlsSession> session);
    /// Ends in order as far as that goes at once, and closes.
    ~ClientStream();
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    int descriptor() const { return descriptor_; }
    bool is_secured() const { return session_ != nullptr; }

    /// `into` is not empty.
    Transfer read(std::span<Byte> into);
    /// From the front of `bytes`, not empty; at most 16 KiB in TLS.
    Transfer write(Bytes bytes);
    /// read() has some without the descriptor being readable.
    bool has_unread() const;
    std::string failure_reason() const;

private:
    Transfer take(std::ptrdiff_t result, Status when_not_ready);

    int descriptor_;
    std::unique_ptr<TlsSession> session_;  // nullptr: plain. Owns the descriptor
    int error_ = 0;                        // an errno
};

}  // namespace ledge::transport
