// InnerLink: a Link whose other end is in the same process and on the same thread, without a socket. A part of the
// program that is a client of the broker (a bridge, a gateway of serial devices) owns the InnerEnd; the driver owns the
// InnerLink. Between the two ends are two byte queues of limited size.
//
//     client ──write()──► to_core ──turn()──► Driver::received
//     client ◄─readable()─ to_client ◄──InnerLink::write── Driver::flush
//
// The loop calls turn() of each end before Driver::flush(). It must not sleep while wants_turn() is true, or while the
// client wants to read bytes of readable(). There are no callbacks. On the shard's thread.
//
// A client with one end asks that end in every turn. A client with a thousand ends must not: it gives each end the same
// InnerReadyList, in which an end notes itself when the core has written to it, wants to read from it again, or has
// ended the connection. A turn without traffic then costs nothing, however many ends there are.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <span>

#include "ledge/base/bytes.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"

namespace ledge::transport {

/// A first-in, first-out queue of at most `bytes_max` bytes. An empty queue owns no memory.
class ByteQueue {
public:
    explicit ByteQueue(std::uint32_t bytes_max) : bytes_max_(bytes_max) {}

    std::size_t size() const { return end_ - begin_; }
    bool empty() const { return size() == 0; }
    std::size_t room() const { return bytes_max_ - size(); }
    /// Appends as many bytes as there is room for, and returns their number.
    std::size_t push(Bytes bytes);
    /// All bytes of the queue; valid until the next push() or pop().
    std::span<Byte> front() { return {bytes_.get() + begin_, size()}; }
    Bytes front() const { return {bytes_.get() + begin_, size()}; }
    void pop(std::size_t count);
    void clear();

private:
    void make_room(std::size_t count);

    // Numbers of 4 bytes: a gateway has two queues for each of its devices.
    std::uint32_t bytes_max_;
    std::uint32_t capacity_ = 0;  // of bytes_
    std::uint32_t begin_ = 0;     // the queue in bytes_
    std::uint32_t end_ = 0;
    std::unique_ptr<Byte[]> bytes_;
};

struct InnerLinkLimits {
    /// Bytes that the core has not read yet. When the queue is full, InnerEnd::write() accepts none.
    std::uint32_t to_core_bytes_max = 64 * 1024;
    /// Bytes that the client has not read yet. When the queue is full, further bytes stay in the connection's outbox,
    /// to which the limits of the session apply.
    std::uint32_t to_client_bytes_max = 64 * 1024;
};

class InnerLink;

/// The place of an end in an InnerReadyList. An end that is destroyed leaves its list by itself.
using InnerReadyHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::link_mode_type::auto_unlink>>;
class InnerEnd;
/// The ends about which there is news, in the order of the news; each stands in the list once. The owner takes an end
/// out before it looks at the end, calls turn(), and puts the end back if wants_turn() is still true.
using InnerReadyList = boost::intrusive::list<InnerEnd, boost::intrusive::base_hook<InnerReadyHook>,
                                              boost::intrusive::constant_time_size<false>>;

/// The client's end. The driver must outlive an open end, and the ready list every end.
class InnerEnd : public InnerReadyHook {
public:
    explicit InnerEnd(Driver& driver, const InnerLinkLimits& limits = {}, InnerReadyList* ready = nullptr);
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
    void note_ready();

    Driver& driver_;
    InnerReadyList* ready_;  // nullptr = the owner asks wants_turn()
    ByteQueue to_core_;
    ByteQueue to_client_;
    InnerLink* link_ = nullptr;  // owned by the driver; nullptr when the link is closed
    bool is_finishing_ = false;
};

class InnerLink final : public Link {
public:
    explicit InnerLink(InnerEnd& end) : end_(&end) {}
    LinkFacts facts() const override { return {"inner", {}, {}}; }

private:
    friend class InnerEnd;

    Wrote write(session::Outbox& outbox) override;
    void ask_writable() override;
    void set_reading(bool is_wanted) override;
    void finish() override;
    void close() noexcept override;

    InnerEnd* end_;  // nullptr when the link is closed
    bool is_reading_ = true;
    bool is_writable_wanted_ = false;
    bool is_finished_ = false;  // the core has ended its direction
};

}  // namespace ledge::transport
