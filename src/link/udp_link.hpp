// UdpLink: one UDP socket for the devices of a gateway, and a second one for the multicast group if the socket is bound
// to one address of the machine: such a socket gets no packets of a group.
//
//     peer := 4 port:u16 ip[4] own[4] | 6 port:u16 ip[16] scope:u32 own[16]      the gateway's address of a device
//
// `own` is the address that the device has asked, or zeros if the socket is bound to one address. Answers leave from
// there: a device ignores them from another address of the same machine, and so does a NAT router on the way.
//
// ICMP errors about earlier packets are no errors of the socket, since it is not connected. The other errors of
// sendto() concern one packet, which counts as lost on the way.
#pragma once

#include <vector>

#include "ledge/link/options.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"
#include "packet_link.hpp"

namespace ledge {
class Log;
}

namespace ledge::link {

class UdpLink final : public PacketLink, private net::Pollable {
public:
    static constexpr Duration retry_pause = 1s;  // until an address that does not exist yet is tried again
    static constexpr Duration busy_pause = 5ms;  // after ENOBUFS, which no event ends

    /// `buffer` is where packets are read; its content is not needed after a read.
    UdpLink(UdpAddress address, std::size_t packet_bytes_max, mqttsn::Gateway& gateway, net::Poller& poller,
            std::span<Byte> buffer, const Log& log, std::string name);
    ~UdpLink() override;

    std::optional<Error> start(Instant now) override;
    void read(Instant now) override;
    void write(Instant now) override;
    bool wants_turn() const override;
    void on_time(Instant now) override;
    Instant next_deadline() const override;
    void close() override;

    void offer(os::GivenSockets* given) override { given_ = given; }
    void add_duplicate(std::vector<os::GivenSocket>& to) const override;

    std::string text_of(Bytes address) const override;
    std::string place() const override;
    void add_to(LinkFigures& figures) const override;

private:
    enum class Sent : std::uint8_t { yes, later, lost };

    std::optional<Error> open();
    os::Descriptor take_given(const os::SocketAddress& bound);
    std::optional<Error> join();
    void on_ready(std::uint32_t events) override;
    bool read_one(int socket, Instant now);
    Sent send(Bytes address, Bytes packet);
    void watch();

    const UdpAddress address_;
    const std::size_t packet_bytes_max_;
    mqttsn::Gateway& gateway_;
    net::Poller& poller_;
    std::span<Byte> buffer_;
    const Log& log_;
    const std::string name_;
    os::GivenSockets* given_ = nullptr;  // used by the next start() only
    os::Descriptor socket_;
    os::Descriptor group_socket_;
    os::SocketAddress group_;
    int family_ = 0;
    bool knows_own_ = false;  // the system tells which address a packet was sent to
    bool is_readable_ = false;
    bool is_full_ = false;  // the poller tells when the system takes packets again
    Instant retry_at_ = never;
    Instant busy_until_ = never;
    std::string problem_;
    std::string reported_;  // the problem that was logged last
    LinkCounters counters_;
};

}  // namespace ledge::link
