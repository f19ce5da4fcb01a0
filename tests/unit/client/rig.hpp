// Rig: a client in virtual time and the server that the test plays. What the client sends and what it tells is text:
// "PUBLISH a/b on q1#3 dup", "PUBREL 3", "DISCONNECT protocol_error"; "connected", "message a/b on q1#3", "done 3
// success", "ended violation: ...". Several are separated by " | ".
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ledge/client/client.hpp"

namespace ledge::client {

using wire::PacketType;
using wire::PropertyBuilder;
using wire::PropertyId;
using wire::QoS;
using wire::Version;

inline constexpr QoS qos0 = QoS::at_most_once;
inline constexpr QoS qos1 = QoS::at_least_once;
inline constexpr QoS qos2 = QoS::exactly_once;
inline constexpr Version v5 = Version::v5;
inline constexpr Version v311 = Version::v3_1_1;

template <class Packet>
std::vector<Byte> encoded(const Packet& packet, Version version) {
    std::vector<Byte> bytes(wire::encoded_size(packet, version));
    wire::Writer writer(bytes);
    wire::encode(packet, version, writer);
    return bytes;
}

/// A packet that a client or a server sends, as text.
std::string text_of_frame(Bytes frame, Version version);
std::string text_of_event(const Event& event);

/// Options of a device whose session lasts an hour.
Options lasting(Version version = v5);
/// The same of a relay.
Options relay();

wire::Publish publish(std::string_view topic, std::string_view payload, QoS qos = qos0, PacketId id = 0,
                      bool dup = false);
wire::Ack ack(PacketType type, PacketId id, ReasonCode code = ReasonCode::success);

class Rig {
public:
    explicit Rig(Options options = lasting()) : client(std::move(options)) {}

    /// Opens the transport, takes CONNECT and answers. Returns the events.
    std::string connects(bool clean_start = true, bool session_present = false, const PropertyBuilder& properties = {});
    /// Loses the connection, then comes back to the session.
    std::string resumes(bool session_present = true, const PropertyBuilder& properties = {});

    /// The server sends a packet. Returns the events.
    template <class Packet>
    std::string gets(const Packet& packet) {
        return gets_bytes(encoded(packet, client.options().version));
    }
    std::string gets_bytes(Bytes bytes);
    std::string gets_bytes(std::initializer_list<int> bytes);
    /// Time passes. Returns the events.
    std::string passes(Duration duration);
    /// What the client has sent since the last call.
    std::string sent();
    /// publish(), demanded to be accepted.
    PacketId publishes(std::string_view topic, std::string_view payload, QoS qos);

    Client client;
    Instant now = Instant{} + 1h;

private:
    std::string unread_;  // of a packet that has left in part
};

}  // namespace ledge::client
