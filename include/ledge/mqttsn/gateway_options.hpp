// GatewayOptions: plain values of one gateway, that is of one listener. The owner fills them.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/mqttsn/endpoint_options.hpp"

namespace ledge::mqttsn {

struct GatewayOptions {
    EndpointOptions endpoint;
    std::uint8_t gateway_id = 1;  // in ADVERTISE and GWINFO

    /// Devices that are remembered, connected or not. At the limit a new device takes the place of the one that was
    /// not heard for longest and is not connected; if all are connected, CONNACK says "congestion".
    std::uint32_t peers_max = 1000;
    /// Packets of unknown peers per second that are answered; further ones are ignored and counted. CONNECT of
    /// unknown peers has a rate of its own, as large. 0 = unlimited.
    std::uint32_t unknown_per_second = 50;
    /// Bytes of packets to peers that the link has not sent yet, and of their entries in the queue (56 each). Above it
    /// packets are dropped and counted.
    std::size_t output_bytes_max = 64 * 1024;

    /// Seconds between two ADVERTISE broadcasts; 0 = none. MQTT-SN section 7.2 wants more than 15 minutes.
    std::uint16_t advertise_interval_s = 0;
    /// True = one ADVERTISE when the link opens: devices on a serial line then connect at once.
    bool advertises_on_open = false;
    /// True = a sleeping device may wake at another address. Its client id is then all that it has to know.
    bool roaming = false;

    /// Devices with a key whose counters are kept (envelope_counters.hpp). At the limit further ones are ignored.
    std::uint32_t envelope_records_max = 10'000;
    /// The counter behind which the envelopes to a new device begin. With the seconds of the wall clock, devices still
    /// accept a gateway whose file of counters was lost, if they got less than one packet per second on average.
    std::uint32_t envelope_first_counter = 0;

    /// Client id of the session that publishes messages of QoS -1; "" = these messages are dropped.
    std::string connectionless_client_id;
    /// Messages of QoS -1 per second and peer; further ones are dropped and counted. 0 = unlimited.
    std::uint32_t connectionless_per_second = 10;
};

}  // namespace ledge::mqttsn
