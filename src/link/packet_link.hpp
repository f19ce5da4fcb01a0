// PacketLink: the network of one gateway, as the gateway's owner sees it: a UDP socket, or a serial line with its
// frames. It reads packets into the gateway and sends what the gateway has for its peers. Nothing blocks. All work is
// done in turn() and on_time(); the poller only notes what is ready. On the loop's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/error.hpp"
#include "ledge/base/time.hpp"
#include "ledge/link/figures.hpp"

namespace ledge::mqttsn {
class Gateway;
}

namespace ledge::os {
class GivenSockets;
struct GivenSocket;
}  // namespace ledge::os

namespace ledge::link {

class PacketLink {
public:
    static constexpr int packets_per_turn_max = 64;  // in each direction; the rest waits for the next turn

    PacketLink() = default;
    virtual ~PacketLink() = default;
    PacketLink(const PacketLink&) = delete;
    PacketLink& operator=(const PacketLink&) = delete;

    /// Opens the link, before the first turn. An error means that it can never work as it is configured; a link that
    /// does not exist yet is no error, and is tried again.
    virtual std::optional<Error> start(Instant now) = 0;
    /// Packets that have come, into the gateway.
    virtual void read(Instant now) = 0;
    /// The gateway's packets, to the peers.
    virtual void write(Instant now) = 0;
    /// True: read() or write() has something to do.
    virtual bool wants_turn() const = 0;
    virtual void on_time(Instant now) = 0;
    virtual Instant next_deadline() const = 0;
    virtual void close() = 0;

    /// Uses a socket of `given` that fits, in the next start(), instead of a new one; nullptr = none. A serial
    /// line is always opened anew.
    virtual void offer(os::GivenSockets* /*given*/) {}
    /// Appends a duplicate of the socket that peers send to, if there is one.
    virtual void add_duplicate(std::vector<os::GivenSocket>& /*to*/) const {}

    /// The address of a peer for the log and for the limits that count addresses: "192.0.2.7:4711", "/dev/ttyUSB0".
    virtual std::string text_of(Bytes address) const = 0;
    /// Where the link is: "udp://0.0.0.0:1883", "serial:/dev/ttyUSB0".
    virtual std::string place() const = 0;
    /// Fills in what the link counts, and whether it is open.
    virtual void add_to(LinkFigures& figures) const = 0;
};

}  // namespace ledge::link
