// SocketLink: a plain TCP or Unix stream socket, served by the poller.
#pragma once

#include <memory>
#include <utility>

#include "ledge/os/descriptor.hpp"
#include "polled_link.hpp"

namespace ledge::transport {

class SocketLink final : public PolledLink {
public:
    static constexpr std::size_t parts_per_send_max = 64;

    /// `socket`: connected and non-blocking. nullptr: the poller refuses the socket, which is closed then; errno says
    /// why.
    static std::unique_ptr<SocketLink> create(os::Descriptor socket, Driver& driver);
    ~SocketLink() override = default;

private:
    SocketLink(os::Descriptor socket, Driver& driver) : PolledLink(socket.get(), driver), socket_(std::move(socket)) {}

    void read(bool is_broken) override;
    Wrote write(session::Outbox& outbox) override;
    void finish() override;
    void close() noexcept override;

    os::Descriptor socket_;
};

}  // namespace ledge::transport
