// EchoWindow remembers for some seconds what was sent to the upstream, and finds the copies that the upstream sends
// back. It is for upstreams that cannot suppress them (3.1.1 without the bridge bit). Owned by Relay.
#pragma once

#include <cstdint>
#include <deque>

#include "ledge/base/time.hpp"

namespace ledge::bridge {

class EchoWindow {
public:
    /// The oldest entries beyond `size_max` are forgotten: their echoes pass.
    explicit EchoWindow(std::size_t size_max = 1024, Duration lifetime = 30s)
        : size_max_(size_max), lifetime_(lifetime) {}

    /// A message was sent; `fingerprint` is that of its topic at the upstream and its payload.
    void on_sent(std::uint64_t fingerprint, Instant now);
    /// A message has come. True: it is the echo of a sent message. Each sent message has one echo, so an equal message
    /// that somebody else publishes later passes.
    bool is_echo(std::uint64_t fingerprint, Instant now);

private:
    struct Sent {
        std::uint64_t fingerprint;
        Instant when;
    };
    std::deque<Sent> sent_;  // oldest first
    std::size_t size_max_;
    Duration lifetime_;
};

}  // namespace ledge::bridge
