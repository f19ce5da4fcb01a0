// Client::append(), which encodes a packet into the outbox. Included only by the files of this module that send
// packets.
#pragma once

#include "ledge/client/client.hpp"

namespace ledge::client {

template <class Packet>
void Client::append(const Packet& packet) {
    wire::Writer out(outbox_.append(wire::encoded_size(packet, options_.version)));
    wire::encode(packet, options_.version, out);
}

}  // namespace ledge::client
