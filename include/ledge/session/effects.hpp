// Effects: the requests of a connection to the broker. One packet leads to at most one effect. Bytes for the peer are
// no effect: they go straight to the outbox. The views in an effect borrow from the packet, and are valid until the
// next packet is read.
#pragma once

#include <string>
#include <variant>

#include "ledge/journal/publication.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

/// CONNECT (and the AUTH exchange, if any) was accepted. The broker finds or creates the session, ends the connection
/// that had the session, and calls Connection::accept.
struct OpenSession {
    wire::Connect connect;
    std::string client_id;  // chosen by the broker when the client left its own empty
};

/// A PUBLISH. The broker routes the message, and calls Connection::on_routed with the outcome.
struct RoutePublication {
    journal::PublicationView publication;
    wire::PacketId packet_id = 0;  // 0 for QoS 0
};

/// A SUBSCRIBE. The broker adds the subscriptions and answers with SUBACK.
struct AddSubscriptions {
    wire::Subscribe packet;
};

/// An UNSUBSCRIBE. The broker removes the subscriptions and answers with UNSUBACK.
struct RemoveSubscriptions {
    wire::Unsubscribe packet;
};

/// The client has sent DISCONNECT. With reason code 0 its will is not published [MQTT-3.14.4-3].
struct EndConnection {};

using Effect =
    std::variant<std::monostate, OpenSession, RoutePublication, AddSubscriptions, RemoveSubscriptions, EndConnection>;

}  // namespace ledge::session
