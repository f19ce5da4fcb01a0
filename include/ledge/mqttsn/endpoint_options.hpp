// EndpointOptions: plain values that all devices of one gateway share. The owner fills them before it makes a gateway.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge::mqttsn {

struct EndpointOptions {
    /// Bytes of a whole packet that the link carries, forwarder header included. A message that does not fit is left
    /// out for this device and counted (MQTT-SN section 6.10). 250 on serial lines, see link_framer.hpp.
    std::size_t packet_bytes_max = 250;
    /// T_retry: the time after which an unanswered packet is sent again. 10 s suits radio, 1 s a serial line.
    Duration retry_interval = 10s;
    /// N_retry: after so many repetitions without an answer the device counts as lost.
    std::uint8_t retries_max = 4;
    /// T_WAIT: pause after a device has answered "congestion" (MQTT-SN section 6.6 wants more than 5 minutes).
    Duration congestion_wait = 5min;
    /// True = packets may overtake each other, as with UDP. A repeated CONNECT then counts as a late copy of the first
    /// one for retry_interval, even after other packets. False = only while no other packet has come.
    bool link_reorders = false;

    /// Topics with an id, per device. At the limit REGISTER and SUBSCRIBE are answered with "not supported".
    std::uint16_t topics_max = 64;
    /// Bytes of a topic name or filter of a device. Longer ones are answered with "not supported".
    std::uint16_t topic_bytes_max = 256;
    /// Bytes of a client id. The specification allows 23; longer ones than this get CONNACK "not supported".
    std::uint16_t client_id_bytes_max = 64;
    /// Bytes of messages that wait in memory for one device, with their entries in the queue (40 each). Above it QoS 0
    /// messages are dropped and counted. At most one message of QoS 1 or 2 waits here, whatever its size: the others
    /// wait in the broker's queue.
    std::uint32_t waiting_bytes_max = 2048;
    /// Bytes of a whole MQTT packet from the broker. The broker leaves larger ones out itself [MQTT-3.1.2-25].
    std::uint32_t inner_packet_bytes_max = 4096;
    /// Seconds that the session of a device with CleanSession 0 outlives its connection.
    std::uint32_t session_expiry_s = 7 * 24 * 3600;
    /// An awake device is told the end of its messages (PINGRESP) only when the broker has sent none for this time
    /// after a message of QoS 2, because the broker keeps the packet id of the next one on disk before it sends it.
    Duration drain_pause = 100ms;
};

}  // namespace ledge::mqttsn
