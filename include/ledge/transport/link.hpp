// Link: the byte stream of one peer, as the driver uses it. Kinds of links: SocketLink (a plain socket), TlsLink,
// WsLink (WebSocket) and InnerLink. A link passes the bytes that it reads to the driver, and the driver tells it when
// to write; a link knows nothing of MQTT. Writing costs one virtual call per connection and turn, which is a hundred
// times cheaper than the system call that follows. Reading needs no virtual call of this class. The driver owns its
// links. On the shard's thread.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <cstdint>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/session/link_handle.hpp"

namespace ledge::session {
class Connection;
class Outbox;
}  // namespace ledge::session

namespace ledge::transport {

class Driver;

/// What operators may know of a link.
struct LinkFacts {
    std::string_view transport;    // "tcp" (Unix sockets too), "tls", "ws", "wss", "inner"
    std::string_view tls_version;  // "TLSv1.3"; "" = no TLS. Valid as long as the program
    std::string_view tls_cipher;   // "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"; likewise
};

class Link : public boost::intrusive::list_base_hook<>, public session::LinkHandle {
public:
    enum class Wrote : std::uint8_t {
        all,     // everything was written, the outbox is empty
        part,    // the peer accepts no more bytes now; the link calls Driver::writable when it does
        failed,  // the stream is broken
    };

    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    virtual ~Link() = default;

    virtual LinkFacts facts() const { return {}; }
    /// The link behind a handle that the core has handed back.
    static const Link& of(const session::LinkHandle& handle) { return static_cast<const Link&>(handle); }

protected:
    Link() = default;

    /// The most bytes that one read may bring.
    std::uint32_t read_bytes_max() const { return read_bytes_max_; }

private:
    friend class Driver;

    /// Sends as many bytes from the front of the outbox as the peer accepts now. Never blocks.
    virtual Wrote write(session::Outbox& outbox) = 0;
    /// Asks for a call of Driver::writable as soon as the peer accepts bytes, even if the peer refused none before.
    virtual void ask_writable() = 0;
    /// False stops the reading until the next call with true. Bytes that the link has already read may still come. The
    /// driver never passes the same value twice in a row.
    virtual void set_reading(bool is_wanted) = 0;
    /// Ends our direction after the written bytes (TCP: FIN). The peer may still send.
    virtual void finish() = 0;
    /// Releases the descriptor. Afterwards the link does not call the driver; it is destroyed at the end of the turn.
    virtual void close() noexcept = 0;

    enum class Phase : std::uint8_t {
        open,    // the shard has a connection for the link
        unsent,  // the connection is closing; its last bytes wait for a slow peer, at most until deadline_
        // All bytes and our end are sent, and the connection is over. Input is dropped until the peer ends too, at most
        // until deadline_. If the socket were closed with unread input, the kernel would send a reset, and the peer
        // might lose the last packet (CONNACK, DISCONNECT).
        lingering,
        dead,  // closed; destroyed at the end of the turn
    };

    session::Connection* connection_ = nullptr;  // set in the phases open and unsent
    Instant deadline_ = never;                   // set in the phases unsent and lingering
    std::uint32_t drained_turn_ = 0;             // the turn in which the shard was last told that the outbox is empty
    std::uint32_t discarded_bytes_ = 0;          // input dropped in the phase lingering
    std::uint32_t read_bytes_max_ = 64 * 1024;
    Phase phase_ = Phase::open;
    bool is_paused_ = false;   // the last call was set_reading(false)
    bool is_blocked_ = false;  // the next write has to wait for Driver::writable
};

}  // namespace ledge::transport
