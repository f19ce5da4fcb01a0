// OutputQueue: the packets that wait to be sent to peers, in order, for one link. PeerOutput: its end for one peer,
// which puts each message into an envelope, if the device has a key, and wraps it for the forwarder that the peer is
// behind. The queue is bounded: a full one drops packets, as the link might, and retries repair it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/mqttsn/counters.hpp"
#include "ledge/mqttsn/envelope_counters.hpp"
#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

class OutputQueue {
public:
    struct Packet {
        std::string address;  // link address of the peer or of its forwarder; "" = a broadcast
        std::vector<Byte> bytes;
    };

    OutputQueue(std::size_t bytes_max, Counters& counters) : bytes_max_(bytes_max), counters_(counters) {}

    /// Appends the message; with a `node_id` it is wrapped for the forwarder at `address`, and with `envelopes` it is
    /// in an envelope. When there is no counter for the envelope, the packet is dropped and counted.
    void push(std::string_view address, std::string_view node_id, const Message& message,
              const EnvelopeSender* envelopes = nullptr);
    bool empty() const { return packets_.empty(); }
    /// Requires !empty().
    const Packet& front() { return packets_.front(); }
    void drop_front();
    void clear();

private:
    std::size_t bytes_max_;
    Counters& counters_;
    Ring<Packet> packets_;
    std::size_t bytes_ = 0;
};

class PeerOutput {
public:
    PeerOutput() = default;
    /// Of a device that is at no address: nothing is sent.
    explicit PeerOutput(const EnvelopeSender* envelopes) : envelopes_(envelopes) {}
    /// The views and `envelopes` must outlive the object. `envelopes`: nullptr = the device has no key.
    PeerOutput(OutputQueue& queue, std::string_view address, std::string_view node_id,
               const EnvelopeSender* envelopes = nullptr)
        : queue_(&queue), address_(address), node_id_(node_id), envelopes_(envelopes) {}

    void send(const Message& message) {
        if (queue_ != nullptr) queue_->push(address_, node_id_, message, envelopes_);
    }
    /// Bytes that a message may have on a link whose packets have at most `packet_bytes_max`: without the header of the
    /// forwarder, and without the envelope, whose length has one byte.
    std::size_t room(std::size_t packet_bytes_max) const {
        const std::size_t header = node_id_.empty() ? 0 : 3 + node_id_.size();
        std::size_t room = packet_bytes_max - std::min(packet_bytes_max, header);
        if (envelopes_ == nullptr) return room;
        room = std::min(room, envelope_bytes_max);
        return room - std::min(room, envelope_overhead);
    }

private:
    OutputQueue* queue_ = nullptr;
    std::string_view address_;
    std::string_view node_id_;
    const EnvelopeSender* envelopes_ = nullptr;
};

}  // namespace ledge::mqttsn
