// TlsSession: one TLS connection over a non-blocking stream socket: the core that TlsLink (MQTT in the poller) and
// TlsStream (Asio, Beast) share. It reads and writes the descriptor itself, never blocks and knows no event loop: each
// call says what to wait for. It owns the descriptor and a share of its context. On one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::net {

class TlsContext;

class TlsSession {
public:
    static constexpr std::size_t record_bytes_max = 16 * 1024;  // of plain text in one TLS record; in 1.3 one less

    enum class Status : std::uint8_t {
        done,        // it is as the call asked for
        want_read,   // call again when the descriptor is readable
        want_write,  // call again when it is writable
        ended,       // the peer has ended its direction: close_notify or FIN
        failed,      // the connection is of no use any more; failure_reason() says why
    };
    struct Transfer {
        Status status = Status::done;
        std::size_t bytes = 0;  // with done
    };
    /// How much of a handshake one call may do.
    enum class Extent : std::uint8_t {
        cheap,  // stop before public key arithmetic
        all,
    };

    /// `socket`: connected and non-blocking. The role, client or server, is the context's. `server_name`: for a client,
    /// the name of SNI and of the certificate's check; "" for none. nullptr: no memory; the socket is closed.
    static std::unique_ptr<TlsSession> create(std::shared_ptr<const TlsContext> context, os::Descriptor socket,
                                              const std::string& server_name = {});
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    int descriptor() const;

    /// Goes on with the handshake. done: it is complete, or (Extent::cheap) what comes next is dear; is_secured()
    /// tells which.
    Status handshake(Extent extent);
    bool is_secured() const;

    /// Reads decrypted bytes. done with bytes > 0, or another status.
    Transfer read(std::span<Byte> into);
    /// Encrypts from the front of `parts` what fits one record, and sends it. done: `bytes` are with the kernel.
    /// want_write: call again with parts that begin with the same bytes; more of them may follow.
    Transfer write(std::span<const Bytes> parts);
    /// Decrypted bytes wait inside: read() has some without the descriptor being readable.
    bool has_unread() const;

    /// Gives the memory of the record buffers back until the next read() or write(): 8 KiB of 12. false: a record is
    /// under way.
    bool rest();

    /// The peer's certificate, or one that has signed it, is on the list of revoked ones of this context, which may be
    /// newer than the session's own.
    bool is_revoked_by(const TlsContext& context) const;
    /// The connection ends: whoever reads from it or writes to it next finds that out.
    void shut_down_socket();

    /// Tells the peer that nothing follows, as far as the socket takes it at once, then sends FIN.
    void finish() noexcept;

    /// read() takes its input from here instead of the descriptor, until it is used up; then it wants to read.
    void feed(Bytes encrypted);

    /// Why it failed, in words, with what is wrong with a certificate.
    std::string failure_reason() const;

    /// For logs: "TLSv1.2", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256".
    const char* version() const;
    const char* cipher() const;
    /// The protocol agreed on by ALPN, "" without.
    std::string alpn() const;
    /// Who the peer is, by its certificate as the context was told to read it (common name or subject alternative name)
    /// or by the identity of its pre-shared key; "" when it has neither.
    std::string user_name() const;
    /// The peer has shown a certificate, and it is valid.
    bool has_peer_certificate() const;
    /// The handshake took up an earlier session.
    bool is_resumed() const;

private:
    struct Parts;
    explicit TlsSession(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::net
