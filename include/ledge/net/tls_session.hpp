// TlsSession: one TLS connection over a non-blocking stream socket. TlsLink (MQTT on the poller) and TlsStream (Asio,
// Beast) are built on it. A session reads and writes its descriptor itself, never blocks and knows no event loop: the
// result of each call says which event to wait for. It owns the descriptor and shares ownership of its context. One
// thread at a time may use a session.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"

namespace ledge::os {
class Descriptor;
}  // namespace ledge::os

namespace ledge::net {

class TlsContext;

class TlsSession {
public:
    static constexpr std::size_t record_bytes_max = 16 * 1024;  // plain text of one record; in TLS 1.3 one byte less

    enum class Status : std::uint8_t {
        done,        // the call has succeeded
        want_read,   // call again when the descriptor is readable
        want_write,  // call again when the descriptor is writable
        ended,       // the peer has ended its direction, with close_notify or FIN
        failed,      // the connection is unusable; failure_reason() says why
    };
    struct Transfer {
        Status status = Status::done;
        std::size_t bytes = 0;  // the bytes read or written, if the status is done
    };
    /// How much of a handshake one call may do.
    enum class Extent : std::uint8_t {
        cheap,  // stop before a step that computes with public keys
        all,    // compute every step
    };

    /// `socket` must be connected and non-blocking. The context determines the role, client or server. In the client's
    /// role, `server_name` is sent as SNI, and the server's certificate must be valid for it; "" = no name. Returns
    /// nullptr when memory is short; the socket is closed then.
    static std::unique_ptr<TlsSession> create(std::shared_ptr<const TlsContext> context, os::Descriptor socket,
                                              const std::string& server_name = {});
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    int descriptor() const;

    /// Continues the handshake. Status::done means that the handshake is complete, or, with Extent::cheap, that the
    /// next step computes with public keys. is_secured() tells these two cases apart.
    Status handshake(Extent extent);
    /// True when the handshake is complete and the peer was accepted.
    bool is_secured() const;

    /// Reads decrypted bytes. The status is done with bytes > 0, or another status.
    Transfer read(std::span<Byte> into);
    /// Encrypts bytes from the front of `parts`, at most one record, and sends the record. Status::done means that the
    /// kernel has the record, which holds `bytes` bytes. After want_write, call again with parts that begin with the
    /// same bytes; further bytes may follow them.
    Transfer write(std::span<const Bytes> parts);
    /// True when read() would return bytes although the descriptor is not readable, because they are decrypted already.
    bool has_unread() const;

    /// Gives the memory of the record buffers back until the next read() or write(): 8 KiB of 12 KiB. Returns false
    /// when a record is only partly read or written.
    bool rest();

    /// True when the peer's certificate, or a certificate that has signed it, is in the list of revoked certificates of
    /// `context`. That context may be newer than the session's own.
    bool is_revoked_by(const TlsContext& context) const;
    /// Ends the connection in both directions. The next read or write of the owner reports the end.
    void shut_down_socket();

    /// Sends close_notify if the socket accepts it at once, then FIN.
    void finish() noexcept;

    /// From now on, read() decrypts these bytes instead of reading the descriptor. When all are used, read() returns
    /// want_read. The bytes must stay valid until then.
    void feed(Bytes encrypted);

    /// Why the connection has failed, in words, with the mistake of a refused certificate.
    std::string failure_reason() const;

    /// The TLS version and the cipher suite for logs: "TLSv1.2", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256".
    const char* version() const;
    const char* cipher() const;
    /// The protocol that ALPN has chosen; "" = ALPN was not used.
    std::string alpn() const;
    /// The peer's user name: from the peer's certificate, by the rule of TlsOptions::user_name_from, or the identity of
    /// its pre-shared key; "" = the peer has neither.
    std::string user_name() const;
    /// True when the peer has shown a valid certificate.
    bool has_peer_certificate() const;
    /// The peer's certificate for an operator: "CN=broker.example, valid until 2027-03-31"; "" = there is none.
    std::string peer_certificate() const;
    /// True when the handshake has resumed an earlier session.
    bool is_resumed() const;

private:
    struct Parts;
    explicit TlsSession(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::net
