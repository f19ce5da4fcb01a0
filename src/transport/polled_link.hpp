// PolledLink: the common part of the links on the poller. It manages the events that the poller reports, and reads once
// per report. SocketLink and TlsLink derive from it. On the shard's thread.
#pragma once

#include <cstdint>
#include <span>

#include "ledge/net/poller.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"

namespace ledge::transport {

class PolledLink : public Link, public net::Pollable {
public:
    PolledLink(const PolledLink&) = delete;
    PolledLink& operator=(const PolledLink&) = delete;

protected:
    /// `descriptor` must stay open until mark_closed().
    PolledLink(int descriptor, Driver& driver) : driver_(driver), descriptor_(descriptor) {}
    ~PolledLink() override = default;

    /// Adds the link to the poller. Returns false when the poller refuses; errno says why.
    bool start();

    Driver& driver() { return driver_; }
    /// Negative after mark_closed().
    int descriptor() const { return descriptor_; }
    bool is_closed() const { return descriptor_ < 0; }
    /// Call this when the descriptor is closed. Closing also removes it from the poller, since no other descriptor
    /// refers to the same open file.
    void mark_closed() { descriptor_ = os::no_descriptor; }

    /// Reads once from the socket into the driver's buffer. An empty result means that there is nothing to read. If the
    /// stream has ended, the driver was told, and the link is closed then.
    std::span<Byte> receive(bool is_broken);
    void set_writable_wanted(bool is_wanted);

private:
    /// Reads and passes the bytes on. `is_broken` says that the peer will send nothing more, so a read that would have
    /// to wait means the end of the stream.
    virtual void read(bool is_broken) = 0;

    void on_ready(std::uint32_t events) final;
    void set_reading(bool is_wanted) final;
    void ask_writable() final { set_writable_wanted(true); }

    std::uint32_t wanted_events() const;
    void watch();
    void unwatch();

    Driver& driver_;
    int descriptor_;
    bool is_writable_wanted_ = false;
    bool is_reading_ = true;
    bool is_watched_ = true;  // the link is in the poller
};

}  // namespace ledge::transport
