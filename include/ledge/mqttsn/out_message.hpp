// OutMessage: a message of the broker on its way to one device. Owned by Endpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/mqttsn/messages.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::mqttsn {

struct OutMessage {
    std::string text;  // topic and payload, one behind the other: one heap block
    std::uint16_t topic_size = 0;
    MessageId id = 0;  // the packet id of the broker, 0 for QoS 0
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    bool dup = false;         // the message may have been sent to the device before
    bool is_release = false;  // no message: a PUBREL that ends an exchange of an earlier connection

    /// Bytes in the queue.
    std::uint32_t cost() const { return static_cast<std::uint32_t>(text.size() + sizeof(OutMessage)); }
    std::string_view topic() const { return std::string_view(text).substr(0, topic_size); }
    Bytes payload() const { return as_bytes(text).subspan(topic_size); }
};

}  // namespace ledge::mqttsn
