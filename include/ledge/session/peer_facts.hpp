// PeerFacts: what the parts of a connection know about the client at the other end. Connection owns one; Handshake
// fills in what CONNECT says.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/base/owner.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

struct ListenerOptions;
struct SessionLimits;

struct PeerFacts {
    PeerFacts(const ListenerOptions& its_listener, std::string its_address);

    const SessionLimits& limits() const { return *limits_; }
    bool is_v5() const { return version == wire::Version::v5; }
    /// In seconds; 0 = none. Not always what the client asked for: an MQTT 5 client is told a lower value
    /// [MQTT-3.1.2-21]. An MQTT 3 client cannot be told, so its own value holds.
    std::uint16_t effective_keep_alive(const wire::Connect& packet) const;

    const ListenerOptions& listener;
    // From CONNECT; the defaults of the standard until then.
    std::uint32_t packet_size_max = 0xFFFF'FFFF;  // bytes [MQTT-3.1.2-24]
    std::uint16_t receive_maximum = 65'535;       // messages [MQTT-3.3.4-9]; the default is receive_maximum_unlimited
    wire::Version version = wire::Version::v3_1_1;
    bool wants_reasons : 1 = true;  // Request Problem Information [MQTT-3.1.2-29]
    bool is_clean_start : 1 = false;

    std::string address;  // "192.0.2.7:51123"
    NetworkId network;

private:
    const SessionLimits* limits_;  // of `listener`
};

}  // namespace ledge::session
