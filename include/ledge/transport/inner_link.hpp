// InnerLink: a Link whose other end is in the same process and thread, without a socket. What joins the broker as a
// client of the core (a bridge, a gateway of serial devices) holds the InnerEnd; the driver holds the InnerLink. Two
// byte queues of bounded size lie between them.
//
//     client ──write()──► to_core ──turn()──► Driver::received
//     client ◄─readable()─ to_client ◄──InnerLink::write── Driver::flush
//
// The loop calls turn() of each end before Driver::flush(), and does not sleep while wants_turn() or while the client
// still wants to read what is readable(). Nothing is called back. On the thread of the shard.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"

namespace ledge::transport {

/// Bytes in order, at most `bytes_max` of them. An empty queue owns no memory.
class ByteQueue {
public:
    explicit ByteQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    std::size_t size() const { return bytes_.size() - begin_; }
    bool empty() const { return size() == 0; }
    std::size_t room() const { return bytes_max_ - size(); }
    /// Appends as much as there is room for; returns how much.
    std::size_t push(Bytes bytes);
    /// All of it; valid until the next push() or pop().
    std::span<Byte> front() { return std::span(bytes_).subspan(begin_); }
    Bytes front() const { return Bytes(bytes_).subspan(begin_); }
    void pop(std::size_t count);
    void clear();

private:
    std::size_t bytes_max_;
    std::size_t begin_ = 0;  // of what is in the queue
    std::vector<Byte> bytes_;
};

struct InnerLinkLimits {
    std::size_t to_core_bytes_max = 64 * 1024;    // Bytes that the core has not read. Then write() takes no more.
    std::size_t to_client_bytes_max = 64 * 1024;  // Bytes that the client has not read. Then the rest stays in the
                                                  // core's outbox, where the limits of the session hold.
};

class InnerLink;

/// The client's end. Outlived by the driver while it is open.
class InnerEnd {
public:
    explicit InnerEnd(Driver& driver, const InnerLinkLimits& limits = {});
    /// As abort().
    ~InnerEnd();
    InnerEnd(const InnerEnd&) = delete;
    InnerEnd& operator=(const InnerEnd&) = delete;

    /// A new connection to the core; requires !is_open(). What an earlier one left unread is dropped. False: the shard
    /// refuses it.
    bool open(const broker::Peer& peer);
    /// The core may still send or read.
    bool is_open() const { return link_ != nullptr; }

    /// Takes as many bytes as there is room for, none after finish(); returns how many.
    std::size_t write(Bytes bytes);
    /// Bytes from the core; valid until consume(). They may be read after the end of the connection too.
    Bytes readable() const { return to_client_.front(); }
    void consume(std::size_t count) { to_client_.pop(count); }

    /// Nothing more will be written: what was written reaches the core, then the connection ends.
    void finish() { is_finishing_ = true; }
    /// The connection ends now; what the core has not read is dropped.
    void abort();

    /// Carries on what waits between the two ends. Not to be called from Driver::flush().
    void turn();
    /// turn() has something to do.
    bool wants_turn() const;

private:
    friend class InnerLink;

    Driver& driver_;
    ByteQueue to_core_;
    ByteQueue to_client_;
    InnerLink* link_ = nullptr;  // the driver's; nullptr once it is closed
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

    InnerEnd* end_;  // nullptr once it is closed
    bool is_reading_ = true;
    bool is_writable_wanted_ = false;
    bool is_finished_ = false;  // the core has ended its direction
};

}  // namespace ledge::transport
