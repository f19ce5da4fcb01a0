// OutputQueue: the packets that wait to be sent to peers, in order, for one link. PeerOutput: its end for one peer,
// which wraps each message for the forwarder that the peer is behind. The queue is bounded: a full one drops packets,
// as the link might, and retries repair it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/mqttsn/counters.hpp"
#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

class OutputQueue {
public:
    struct Packet {
        std::string address;  // link address of the peer or of its forwarder; "" = a broadcast
        std::vector<Byte> bytes;
    };

    OutputQueue(std::size_t bytes_max, Counters& counters) : bytes_max_(bytes_max), counters_(counters) {}

    /// Appends the message; with a `node_id` it is wrapped for the forwarder at `address`.
    void push(std::string_view address, std::string_view node_id, const Message& message);
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
    /// Of a device that is at no address: nothing is sent.
    PeerOutput() = default;
    /// The views must outlive the object.
    PeerOutput(OutputQueue& queue, std::string_view address, std::string_view node_id)
        : queue_(&queue), address_(address), node_id_(node_id) {}

    void send(const Message& message) {
        if (queue_ != nullptr) queue_->push(address_, node_id_, message);
    }
    /// Bytes that the forwarder's header takes from each packet.
    std::size_t overhead() const { return node_id_.empty() ? 0 : 3 + node_id_.size(); }

private:
    OutputQueue* queue_ = nullptr;
    std::string_view address_;
    std::string_view node_id_;
};

}  // namespace ledge::mqttsn
