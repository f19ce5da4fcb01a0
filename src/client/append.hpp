// Client::append for the files that send packets. Private to client.
#pragma once

#include "ledge/client/client.hpp"

namespace ledge::client {

template <class Packet>
void Client::append(const Packet& packet) {
    wire::Writer out(outbox_.append(wire::encoded_size(packet, options_.version)));
    wire::encode(packet, options_.version, out);
}

}  // namespace ledge::client
