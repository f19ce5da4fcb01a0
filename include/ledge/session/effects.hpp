// Effects: what the connection logic asks of the broker after one packet. One packet asks for at most one thing; what
// it sends goes straight to the outbox. Views borrow the packet and live until the next one is read.
#pragma once

#include <string>
#include <variant>

#include "ledge/journal/publication.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

/// CONNECT (and the AUTH exchange, if any) was accepted: find or make the session, end the one taken over, then call
/// Connection::accept.
struct OpenSession {
    wire::Connect connect;
    std::string client_id;  // chosen by us when the client left it empty
};

/// Route it, then call Connection::on_routed with what came of it.
struct RoutePublication {
    journal::PublicationView publication;
    wire::PacketId packet_id = 0;  // 0 for QoS 0
};

struct AddSubscriptions {
    wire::Subscribe packet;
};

struct RemoveSubscriptions {
    wire::Unsubscribe packet;
};

/// The client has ended the connection properly; the will is gone unless it asked for it.
struct EndConnection {};

using Effect =
    std::variant<std::monostate, OpenSession, RoutePublication, AddSubscriptions, RemoveSubscriptions, EndConnection>;

}  // namespace ledge::session
