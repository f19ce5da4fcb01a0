// Reads packets as a server does, for targets that have a client on their stage.
#pragma once

#include "ledge/base/bytes.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::fuzz {

/// True if the frame is a correct packet of a client.
inline bool is_readable(Bytes frame, wire::Version version) {
    using wire::PacketType;
    switch (wire::type_of(frame)) {
        case PacketType::connect: return wire::decode_connect(frame).ok();
        case PacketType::publish: return wire::decode_publish(frame, version).ok();
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return wire::decode_ack(frame, version).ok();
        case PacketType::subscribe: return wire::decode_subscribe(frame, version).ok();
        case PacketType::unsubscribe: return wire::decode_unsubscribe(frame, version).ok();
        case PacketType::pingreq: return wire::decode_pingreq(frame).ok();
        case PacketType::disconnect: return wire::decode_disconnect(frame, version).ok();
        case PacketType::auth: return version == wire::Version::v5 && wire::decode_auth(frame, version).ok();
        default: return false;  // only servers send these
    }
}

}  // namespace ledge::fuzz
