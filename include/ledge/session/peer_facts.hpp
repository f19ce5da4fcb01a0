// PeerFacts: what the parts of a connection know about the client at the other end. Connection owns one; Handshake
// fills in what CONNECT says.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/base/owner.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

struct PeerFacts {
    PeerFacts(const ListenerOptions& its_listener, std::string its_address)
        : listener(its_listener), address(std::move(its_address)), network(network_of(address)) {}

    const SessionLimits& limits() const { return listener.limits; }
    bool is_v5() const { return version == wire::Version::v5; }
    /// In seconds; 0 = none. Not always what the client asked for: an MQTT 5 client is told a lower value
    /// [MQTT-3.1.2-21]. An MQTT 3 client cannot be told, so its own value holds.
    std::uint16_t effective_keep_alive(const wire::Connect& packet) const {
        const std::uint32_t ceiling = limits().max_keep_alive_s;
        const bool is_within = ceiling == 0 || (packet.keep_alive_s != 0 && packet.keep_alive_s <= ceiling);
        return is_within || !is_v5() ? packet.keep_alive_s : static_cast<std::uint16_t>(ceiling);
    }

    const ListenerOptions& listener;
    // From CONNECT; the defaults of the standard until then.
    std::uint32_t packet_size_max = 0xFFFF'FFFF;                // bytes [MQTT-3.1.2-24]
    std::uint16_t receive_maximum = receive_maximum_unlimited;  // messages [MQTT-3.3.4-9]
    wire::Version version = wire::Version::v3_1_1;
    bool wants_reasons = true;  // Request Problem Information [MQTT-3.1.2-29]

    std::string address;  // "192.0.2.7:51123"
    NetworkId network;
};

}  // namespace ledge::session
