// PolledLink: what links on the poller have in common: the interest in events, and one read for one report. SocketLink
// and TlsLink derive from it.
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
    /// `descriptor` stays open until mark_closed().
    PolledLink(int descriptor, Driver& driver) : driver_(driver), descriptor_(descriptor) {}
    ~PolledLink() override = default;

    /// False: the poller refuses, and errno says why.
    bool start();

    Driver& driver() { return driver_; }
    /// Negative after mark_closed().
    int descriptor() const { return descriptor_; }
    bool is_closed() const { return descriptor_ < 0; }
    /// Closing a descriptor takes it out of the poller: nobody else holds the open file.
    void mark_closed() { descriptor_ = os::no_descriptor; }

    /// Reads once from the socket into the driver's buffer. Empty: there is nothing to read, and when the stream is at
    /// its end the driver has been told and the link may be closed.
    std::span<Byte> receive(bool is_broken);
    void set_writable_wanted(bool is_wanted);

private:
    /// `is_broken`: the peer will send nothing more, so "try again" means the end.
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
    bool is_watched_ = true;  // by the poller
};

}  // namespace ledge::transport
