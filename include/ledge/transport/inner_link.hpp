// InnerLink: a Link whose other end is in the same process and on the same thread, without a socket. A part of the
// program that is a client of the broker (a bridge, a gateway of serial devices) owns the InnerEnd; the driver owns the
// InnerLink. Between the two ends are two byte queues of limited size.
//
//     client ──write()──► to_core ──turn()──► Driver::received
//     client ◄─readable()─ to_client ◄──InnerLink::write── Driver::flush
//
// The loop calls turn() of each end before Driver::flush(). It must not sleep while wants_turn() is true, or while the
// client wants to read bytes of readable(). There are no callbacks. On the shard's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"

namespace ledge::transport {

/// A first-in, first-out queue of at most `bytes_max` bytes. An empty queue owns no memory.
class ByteQueue {
public:
    explicit ByteQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    std::size_t size() const { return bytes_.size() - begin_; }
    bool empty() const { return size() == 0; }
    std::size_t room() const { return bytes_max_ - size(); }
    /// Appends as many bytes as there is room for, and returns their number.
    std::size_t push(Bytes bytes);
    /// All bytes of the queue; valid until the next push() or pop().
    std::span<Byte> front() { return std::span(bytes_).subspan(begin_); }
    Bytes front() const { return Bytes(bytes_).subspan(begin_); }
    void pop(std::size_t count);
    void clear();

private:
    std::size_t bytes_max_;
    std::size_t begin_ = 0;  // the first byte of the queue in bytes_
    std::vector<Byte> bytes_;
};

struct InnerLinkLimits {
    /// Bytes that the core has not read yet. When the queue is full, InnerEnd::write() accepts none.
    std::size_t to_core_bytes_max = 64 * 1024;
    /// Bytes that the client has not read yet. When the queue is full, further bytes stay in the connection's outbox,
    /// to which the limits of the session apply.
    std::size_t to_client_bytes_max = 64 * 1024;
};

class InnerLink;

/// The client's end. The driver must outlive an open end.
class InnerEnd {
public:
    explicit InnerEnd(Driver& driver, const InnerLinkLimits& limits = {});
    /// Calls abort().
    ~InnerEnd();
    InnerEnd(const InnerEnd&) = delete;
    InnerEnd& operator=(const InnerEnd&) = delete;

    /// Opens a new connection to the core; requires !is_open(). Unread bytes of an earlier connection are dropped.
    /// Returns false when the shard refuses the connection.
    bool open(const broker::Peer& peer);
    /// True while the core may still send or read.
    bool is_open() const { return link_ != nullptr; }

    /// Accepts as many bytes as there is room for, and none after finish(). Returns the number of accepted bytes.
    std::size_t write(Bytes bytes);
    /// The bytes from the core; valid until consume(). They can be read after the end of the connection too.
    Bytes readable() const { return to_client_.front(); }
    void consume(std::size_t count) { to_client_.pop(count); }

    /// Declares that no more bytes will be written. The connection ends when the core has read all written bytes.
    void finish() { is_finishing_ = true; }
    /// Ends the connection now. Bytes that the core has not read are dropped.
    void abort();

    /// Moves bytes between the two ends, and ends the connection when it is due. Must not be called from
    /// Driver::flush().
    void turn();
    /// True when turn() has something to do.
    bool wants_turn() const;

private:
    friend class InnerLink;

    Driver& driver_;
    ByteQueue to_core_;
    ByteQueue to_client_;
    InnerLink* link_ = nullptr;  // owned by the driver; nullptr when the link is closed
    bool is_finishing_ = false;
};

class InnerLink final : public Link {
public:
    explicit InnerLink(InnerEnd& end) : end_(&end) {}

private:
    friend class InnerEnd;

    Wrote write(session::Outbox& outbox) override;
    void ask_writable() override { is_writable_wanted_ = true; }
    void set_reading(bool is_wanted) override { is_reading_ = is_wanted; }
    void finish() override { is_finished_ = true; }
    void close() noexcept override;

    InnerEnd* end_;  // nullptr when the link is closed
    bool is_reading_ = true;
    bool is_writable_wanted_ = false;
    bool is_finished_ = false;  // the core has ended its direction
};

}  // namespace ledge::transport
