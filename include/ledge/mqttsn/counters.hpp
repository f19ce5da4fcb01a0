// Counters: what one gateway has done, for metrics. The gateway and its endpoints count; the owner reads.
#pragma once

#include <cstdint>

namespace ledge::mqttsn {

struct Counters {
    // Packets of peers
    std::uint64_t packets_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t packets_malformed = 0;   // packets that decode() refuses
    std::uint64_t packets_unexpected = 0;  // packets that have no meaning in the state of their device
    std::uint64_t outputs_dropped = 0;     // packets to peers that had no room in the output queue
    // Peers
    std::uint64_t unknown_answered = 0;  // packets of unknown peers that were answered by DISCONNECT
    std::uint64_t unknown_ignored = 0;   // packets of unknown peers above the rate
    std::uint64_t connects_refused = 0;  // CONNACK with another code than accepted
    std::uint64_t takeovers = 0;         // devices that came back from another address by CONNECT
    std::uint64_t roamed = 0;            // devices that went on at another address, asleep or with a proof by their key
    std::uint64_t lost = 0;              // devices that fell silent
    // Devices file and envelopes
    std::uint64_t connects_unlisted = 0;   // CONNECT of client ids that the devices file does not list
    std::uint64_t unsealed = 0;            // packets without an envelope of devices that have a key
    std::uint64_t envelopes_unknown = 0;   // envelopes of senders that are no device with a key
    std::uint64_t envelopes_forged = 0;    // envelopes whose tag is wrong
    std::uint64_t envelopes_replayed = 0;  // envelopes whose counter is not above the last one
    std::uint64_t over_rate = 0;           // messages of devices above messages_per_second_max
    // Messages
    std::uint64_t messages_in = 0;     // PUBLISH packets of devices that were handed to the broker
    std::uint64_t messages_out = 0;    // messages that were sent to devices, repetitions not counted
    std::uint64_t repetitions = 0;     // packets that were sent again after retry_interval
    std::uint64_t oversize = 0;        // messages too large for the link, or never answered by a device that lives
    std::uint64_t qos0_dropped = 0;    // messages of QoS 0 that had no room while their device slept or was busy
    std::uint64_t topic_refused = 0;   // messages that a device has refused, or that got no topic id
    std::uint64_t congested = 0;       // answers with the return code congestion
    std::uint64_t duplicates = 0;      // PUBLISH packets of QoS 2 that had arrived before
    std::uint64_t connectionless = 0;  // messages of QoS -1 that were handed to the broker
    std::uint64_t connectionless_dropped = 0;
};

}  // namespace ledge::mqttsn
