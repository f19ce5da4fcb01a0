// SocketLink: a plain TCP or Unix stream socket, served by the poller.
#pragma once

#include <cstdint>
#include <memory>

#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"
#include "ledge/transport/poller.hpp"

namespace ledge::transport {

class SocketLink final : public Link, public Pollable {
public:
    static constexpr std::size_t parts_per_send_max = 64;

    /// Takes over `descriptor`, a connected non-blocking socket. nullptr when the poller refuses it; it is closed then.
    static std::unique_ptr<SocketLink> create(int descriptor, Driver& driver);
    ~SocketLink() override { close(); }

private:
    SocketLink(int descriptor, Driver& driver) : driver_(driver), descriptor_(descriptor) {}

    void on_ready(std::uint32_t events) override;
    void read(bool is_broken);

    Wrote write(session::Outbox& outbox) override;
    void set_reading(bool is_wanted) override;
    void ask_writable() override { set_writable_wanted(true); }
    void finish() override;
    void close() noexcept override;

    void set_writable_wanted(bool is_wanted);
    void watch();
    void unwatch();

    Driver& driver_;
    int descriptor_;  // -1: closed
    bool is_writable_wanted_ = false;
    bool is_reading_ = true;
    bool is_watched_ = true;  // by the poller
};

}  // namespace ledge::transport
