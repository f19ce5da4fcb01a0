#include "ledge/mqttsn/output_queue.hpp"

namespace ledge::mqttsn {

namespace {

std::vector<Byte> encoded(const Message& message) {
    std::vector<Byte> bytes(encoded_size(message));
    wire::Writer out(bytes);
    encode(message, out);
    return bytes;
}

/// A packet of two bytes takes an entry of the queue and a block of the heap, too.
std::size_t cost_of(const std::vector<Byte>& bytes) { return bytes.size() + sizeof(OutputQueue::Packet); }

}  // namespace

void OutputQueue::push(std::string_view address, std::string_view node_id, const Message& message,
                       const EnvelopeSender* envelopes) {
    std::vector<Byte> bytes = encoded(message);
    if (envelopes != nullptr) bytes = envelopes->seal(bytes);
    if (bytes.empty()) {
        ++counters_.outputs_dropped;
        return;
    }
    if (!node_id.empty()) bytes = encoded(Forward{0, as_bytes(node_id), Bytes(bytes)});
    if (bytes_ + cost_of(bytes) > bytes_max_) {
        ++counters_.outputs_dropped;
        return;
    }
    bytes_ += cost_of(bytes);
    ++counters_.packets_out;
    packets_.push_back({std::string(address), std::move(bytes)});
}

void OutputQueue::drop_front() {
    bytes_ -= cost_of(packets_.front().bytes);
    packets_.drop_front();
    if (packets_.empty()) packets_.clear();  // a burst does not keep its memory
}

void OutputQueue::clear() {
    packets_.clear();
    bytes_ = 0;
}

}  // namespace ledge::mqttsn
