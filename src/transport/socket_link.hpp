// SocketLink: the link of a plain TCP or Unix stream socket, which the poller watches. The driver owns the link. On the
// shard's thread.
#pragma once

#include <memory>
#include <utility>

#include "ledge/os/descriptor.hpp"
#include "polled_link.hpp"

namespace ledge::transport {

class SocketLink final : public PolledLink {
public:
    static constexpr std::size_t parts_per_send_max = 64;  // memory pieces of one sendmsg(2)

    /// `socket` must be connected and non-blocking. Returns nullptr when the poller refuses the socket; errno says why,
    /// and the socket is closed.
    static std::unique_ptr<SocketLink> create(os::Descriptor socket, Driver& driver);
    ~SocketLink() override = default;
    LinkFacts facts() const override { return {"tcp", {}, {}}; }

private:
    SocketLink(os::Descriptor socket, Driver& driver) : PolledLink(socket.get(), driver), socket_(std::move(socket)) {}

    void read(bool is_broken) override;
    Wrote write(session::Outbox& outbox) override;
    void finish() override;
    void close() noexcept override;

    os::Descriptor socket_;
};

}  // namespace ledge::transport
