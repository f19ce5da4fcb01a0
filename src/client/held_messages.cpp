// The states of outbound messages. The table of transitions is in held_messages.hpp.
#include "ledge/client/held_messages.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::client {

wire::Publish HeldMessages::Entry::packet() const {
    LEDGE_ASSERT(std::size_t{topic_size} + properties_size <= bytes.size());
    const Bytes all(bytes);
    wire::Publish packet;
    packet.topic = as_text(all.first(topic_size));
    packet.properties = wire::Properties(all.subspan(topic_size, properties_size), seen);
    packet.payload = all.subspan(std::size_t{topic_size} + properties_size);
    packet.qos = qos;
    packet.retain = retain;
    packet.dup = was_sent;
    packet.packet_id = id;
    return packet;
}

void HeldMessages::add(const wire::Publish& packet) {
    LEDGE_ASSERT(packet.packet_id != 0 && packet.qos != wire::QoS::at_most_once);
    Entry entry;
    entry.id = packet.packet_id;
    entry.state = HeldState::waiting;
    entry.qos = packet.qos;
    entry.retain = packet.retain;
    entry.topic_size = static_cast<std::uint32_t>(packet.topic.size());
    entry.properties_size = static_cast<std::uint32_t>(packet.properties.raw().size());
    entry.seen = packet.properties.seen();
    entry.bytes.reserve(packet.topic.size() + packet.properties.raw().size() + packet.payload.size());
    for (const Bytes part : {as_bytes(packet.topic), packet.properties.raw(), packet.payload})
        entry.bytes.insert(entry.bytes.end(), part.begin(), part.end());
    bytes_ += entry.bytes.size();
    ++unfinished_;
    entries_.push_back(std::move(entry));
}

HeldMessages::Entry* HeldMessages::find(wire::PacketId id) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        Entry& entry = entries_[i];
        if (entry.id == id && entry.state != HeldState::done) return &entry;
    }
    return nullptr;
}

void HeldMessages::release(Entry& entry) {
    LEDGE_ASSERT(entry.state == HeldState::sent_qos2);
    entry.state = HeldState::released;
    bytes_ -= entry.bytes.size();
    std::vector<Byte>().swap(entry.bytes);  // clear() would keep the memory
    entry.topic_size = entry.properties_size = 0;
}

void HeldMessages::finish(Entry& entry) {
    LEDGE_ASSERT(entry.state != HeldState::done);
    LEDGE_ASSERT(unfinished_ > 0 && bytes_ >= entry.bytes.size());
    bytes_ -= entry.bytes.size();
    std::vector<Byte>().swap(entry.bytes);
    entry.state = HeldState::done;
    --unfinished_;
    // Entries leave only at the front, so that the order of publish() stays.
    while (!entries_.empty() && entries_.front().state == HeldState::done) {
        entries_.pop_front();
        if (next_unsent_ > 0) --next_unsent_;
    }
    LEDGE_ASSERT(next_unsent_ <= entries_.size());
}

void HeldMessages::begin_connection(bool is_resumed) {
    next_unsent_ = 0;
    for_each([&](Entry& entry) {
        if (entry.state != HeldState::released) entry.state = HeldState::waiting;
        if (!is_resumed) entry.was_sent = false;
    });
}

HeldMessages::Entry* HeldMessages::next_unsent() {
    while (next_unsent_ < entries_.size() && entries_[next_unsent_].state == HeldState::done) ++next_unsent_;
    return next_unsent_ < entries_.size() ? &entries_[next_unsent_] : nullptr;
}

HeldMessages::Entry* HeldMessages::oldest() { return entries_.empty() ? nullptr : &entries_.front(); }

}  // namespace ledge::client
