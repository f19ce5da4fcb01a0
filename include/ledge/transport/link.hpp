// Link: one peer's byte stream, as the driver sees it. A plain socket is a SocketLink (src/transport/socket_link.hpp);
// streams that Asio moves (TLS, WebSocket) are further kinds. A link hands what it reads to the driver and is told
// what to write; it knows nothing of MQTT. The call costs one indirect jump per connection and turn, before a system
// call that is a hundred times dearer; reading does not go through here at all.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <cstdint>

#include "ledge/base/time.hpp"
#include "ledge/session/outbox.hpp"

namespace ledge::session {
class Connection;
}

namespace ledge::transport {

class Driver;

class Link : public boost::intrusive::list_base_hook<> {
public:
    enum class Wrote : std::uint8_t {
        all,     // the outbox is empty
        part,    // the peer takes no more now: the link calls Driver::writable when it does
        failed,  // the stream is broken
    };

    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    virtual ~Link() = default;

protected:
    Link() = default;

    /// Bytes of one read, at most.
    std::uint32_t read_bytes_max() const { return read_bytes_max_; }

private:
    friend class Driver;

    /// Sends from the front of the outbox what the peer takes now. Never blocks.
    virtual Wrote write(session::Outbox& outbox) = 0;
    /// Asks for Driver::writable when the peer takes bytes, also when none were refused.
    virtual void ask_writable() = 0;
    /// False: nothing is read until true. What the link has read already may still come. Not twice the same in a row.
    virtual void set_reading(bool is_wanted) = 0;
    /// Ends our direction after what was written (TCP: FIN). The peer may still send.
    virtual void finish() = 0;
    /// Releases the descriptor. The link calls the driver no more; it is destroyed at the end of the turn.
    virtual void close() noexcept = 0;

    enum class Phase : std::uint8_t {
        open,       // the shard has a connection for it
        unsent,     // the connection is closing, its last bytes wait for a slow peer, until deadline_
        lingering,  // everything is written and finished, the connection is gone; input is dropped until the peer
                    // finishes too or deadline_: a socket closed with unread input would make the kernel send a
                    // reset, which takes the last packet (CONNACK, DISCONNECT) away from the peer
        dead,       // closed, destroyed at the end of the turn
    };

    session::Connection* connection_ = nullptr;  // in open and unsent
    Instant deadline_ = never;
    std::uint32_t drained_turn_ = 0;     // the turn in which the shard was last told of room in the outbox
    std::uint32_t discarded_bytes_ = 0;  // in lingering
    std::uint32_t read_bytes_max_ = 64 * 1024;
    Phase phase_ = Phase::open;
    bool is_paused_ = false;   // set_reading(false)
    bool is_blocked_ = false;  // Driver::writable has to come before the next write
};

}  // namespace ledge::transport
