// Bytes that are no MQTT, at every state: the reason code where one can be sent, then the end of the connection.
#include "spec.hpp"

#include "ledge/journal/records.hpp"

namespace ledge::spec {

namespace {

/// A connected client sends this; it must be told `code` (v5) and closed, and nothing of it may reach a subscriber.
void ends_with(Version version, std::string_view raw, ReasonCode code) {
    Script s(version);
    s.client("watch").connects().subscribes("#", qos2);
    s.client("meter").connects().gets(connack()).sends_raw(raw).is_disconnected(code);
    s.nothing_else();
}

std::string without_flags(PacketType type, int flags, std::string_view body) {
    return frame(static_cast<int>(type) << 4 | flags, body);
}

}  // namespace

SPEC(
    "v3 [MQTT-4.8.0-1] v5 [MQTT-4.13.1-1] [MQTT-1.5.5-1] a remaining length of more than four bytes, or not the "
    "shortest, closes") {
    for (const auto version : every_version) {
        ends_with(version, bytes({0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}), ReasonCode::malformed_packet);
        ends_with(version, bytes({0xC0, 0x80, 0x80, 0x80, 0x80}), ReasonCode::malformed_packet);
    }
    ends_with(v5, bytes({0xC0, 0x80, 0x00}), ReasonCode::malformed_packet);
}

SPEC("v5 [MQTT-1.5.5-1] a property length or subscription identifier that is not the shortest is malformed") {
    ends_with(v5, frame(0x30, text("a") + bytes({0x80, 0x00}) + "x"), ReasonCode::malformed_packet);
    ends_with(v5, frame(0x82, bytes({0, 1, 3, 0x0B, 0x81, 0x00}) + text("a") + bytes({0})),
              ReasonCode::malformed_packet);
    ends_with(v5, frame(0x82, bytes({0, 1, 6, 0x0B, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}) + text("a") + bytes({0})),
              ReasonCode::malformed_packet);
}

SPEC("packet type 0, and in 3.x type 15, close the connection") {
    for (const auto version : every_version) ends_with(version, bytes({0x00, 0x00}), ReasonCode::malformed_packet);
    for (const auto version : versions_3) ends_with(version, bytes({0xF0, 0x00}), ReasonCode::malformed_packet);
}

SPEC("packets that only a server sends close the connection") {
    for (const auto version : every_version) {
        ends_with(version, encode(connack(), version), ReasonCode::protocol_error);
        ends_with(version, encode(suback(1, {0}), version), ReasonCode::protocol_error);
        ends_with(
            version,
            encode(unsuback(1, version == v5 ? std::vector<std::uint8_t>{0} : std::vector<std::uint8_t>{}), version),
            ReasonCode::protocol_error);
        ends_with(version, encode(pingresp(), version), ReasonCode::protocol_error);
    }
}

SPEC(
    "v3 [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.14.1-1] v5 [MQTT-2.1.3-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1] reserved flags "
    "close the connection") {
    for (const auto version : standard_versions) {
        for (int flags = 1; flags < 16; ++flags) {
            for (const auto type : {PacketType::puback, PacketType::pubrec, PacketType::pubcomp})
                ends_with(version, without_flags(type, flags, bytes({0, 1})), ReasonCode::malformed_packet);
            ends_with(version, without_flags(PacketType::pingreq, flags, ""), ReasonCode::malformed_packet);
            ends_with(version, without_flags(PacketType::disconnect, flags, ""), ReasonCode::malformed_packet);
            if (version == v5)
                ends_with(version, without_flags(PacketType::auth, flags, ""), ReasonCode::malformed_packet);
        }
    }
}

SPEC("v3 [MQTT-3.14.1-1] v5 [MQTT-3.14.1-1] a malformed DISCONNECT does not discard the will") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("watch").connects().subscribes("will");
        s.client("meter").connects({.will = WillMessage{.topic = "will", .payload = "gone"}}).sends_raw({0xE1, 0x00});
        s.client("meter").is_disconnected(ReasonCode::malformed_packet);
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("packets that end before their fields do close the connection") {
    for (const auto version : standard_versions) {
        const Packet packets[] = {
            publish("topic", "").qos1(5), puback(5), pubrec(5), pubrel(5), pubcomp(5), subscribe(5, {"filter"}),
            unsubscribe(5, {"filter"})};
        for (const auto& packet : packets) {
            const std::string whole = encode(packet, version);
            for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
                CAPTURE(size);
                Script s(version);
                s.client("meter").connects().gets(connack());
                s.client("meter").sends_raw(frame(static_cast<unsigned char>(whole[0]), whole.substr(2, size)));
                for (const auto& answer : s.client("meter").takes_all()) CHECK(answer.type == PacketType::disconnect);
                s.client("meter").is_closed();
            }
        }
    }
}

SPEC("bytes after the last field close the connection") {
    for (const auto version : standard_versions) {
        for (const auto type : {PacketType::pingreq, PacketType::puback, PacketType::pubrel}) {
            Script s(version);
            const int flags = type == PacketType::pubrel ? 2 : 0;
            const std::string body = type == PacketType::pingreq ? std::string("x") : bytes({0, 1, 0, 0, 7});
            s.client("meter").connects().sends_raw(without_flags(type, flags, body));
            s.client("meter").is_disconnected(ReasonCode::malformed_packet);
        }
    }
    ends_with(v311, frame(0xE0, "x"), ReasonCode::malformed_packet);
    ends_with(v5, frame(0xE0, bytes({0, 0, 7})), ReasonCode::malformed_packet);
}

SPEC("v5 [MQTT-3.6.2-1] [MQTT-3.14.2-1] [MQTT-3.15.2-1] reason codes that the packet does not have are refused") {
    const auto sends_code = [](const Packet& packet, std::string_view what) {
        CAPTURE(what);
        Script s;
        s.client("meter").connects().sends(packet);
        for (const auto& answer : s.client("meter").takes_all()) CHECK(answer.type == PacketType::disconnect);
        s.client("meter").is_closed();
    };
    sends_code(puback(1, ReasonCode::granted_qos_1), "PUBACK 0x01");
    sends_code(puback(1, ReasonCode::packet_identifier_not_found), "PUBACK 0x92");
    sends_code(pubrec(1, ReasonCode::session_taken_over), "PUBREC 0x8E");
    sends_code(pubrel(1, ReasonCode::no_matching_subscribers), "PUBREL 0x10");
    sends_code(pubcomp(1, ReasonCode::quota_exceeded), "PUBCOMP 0x97");
    sends_code(disconnect(ReasonCode::granted_qos_1), "DISCONNECT 0x01");
    sends_code(disconnect(ReasonCode::bad_user_name_or_password), "DISCONNECT 0x86");
    sends_code(auth(ReasonCode::granted_qos_1, "ANONYMOUS"), "AUTH 0x01");
}

SPEC("v5 a property length that leaves its packet is malformed") {
    ends_with(v5, frame(0x30, text("a") + bytes({5, 1, 1})), ReasonCode::malformed_packet);
    ends_with(v5, frame(0x82, bytes({0, 1, 9}) + text("a") + bytes({0})), ReasonCode::malformed_packet);
    ends_with(v5, frame(0xE0, bytes({0, 5, 0x11, 0, 0})), ReasonCode::malformed_packet);
}

SPEC(
    "v5 a Server Reference or Reason String from a client in the wrong packet is malformed, in the right one it is "
    "taken") {
    Script s;
    s.client("meter").connects().sends(puback(1).with(Id::reason_string, "why not").user("k", "v")).pings();
    s.client("meter")
        .sends(publish("a", "x").with(Id::reason_string, "x"))
        .is_disconnected(ReasonCode::malformed_packet);
    s.client("lamp").connects().disconnects(disconnect().with(Id::reason_string, "tired").user("k", "v"));
    s.nothing_else();
}

SPEC("what follows a malformed packet in the same segment is not processed") {
    for (const auto version : every_version)
        ends_with(version, frame(0x36, text("a") + bytes({0, 1, 0})) + encode(publish("a", "x"), version),
                  ReasonCode::malformed_packet);
}

SPEC("v5 [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.2-1] after its DISCONNECT the broker sends nothing and closes") {
    Script s;
    s.client("meter").connects().subscribes("a", qos1);
    s.client("lamp").connects();
    const std::string error = frame(0x36, text("a") + bytes({0, 1, 0}));
    s.client("meter").sends_raw(error + encode(pingreq(), v5)).is_disconnected(ReasonCode::malformed_packet);
    s.client("lamp").publishes("a", "x", qos1);
    s.nothing_else();
}

SPEC("what follows DISCONNECT in the same segment is not processed") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("a");
        s.client("meter").connects().gets(connack());
        s.client("meter").sends_raw(encode(disconnect(), version) + encode(publish("a", "x"), version)).is_closed();
        s.nothing_else();
    }
}

SPEC("garbage in place of a first packet is dropped without an answer") {
    for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n"), bytes({0x16, 3, 1, 0, 200, 1, 0}),
                                       repeat('\xff', 200), repeat('\0', 50)}) {
        Script s;
        s.client("meter").opens(v5).sends_raw(garbage);
        s.passes(11s);
        s.client("meter").is_closed();
        s.nothing_else();
    }
}

SPEC(
    "v5 [MQTT-3.14.2-2] [MQTT-3.2.0-2] [MQTT-3.14.0-1] every packet of the broker is held against the rules for all "
    "packets") {
    // The rules stand in Client::check; here a run through all kinds of packets that the broker sends.
    Script s;
    s.client("meter")
        .connects({.clean = false, .session_expiry = 60s, .topic_alias_maximum = 5})
        .subscribes("a/#", qos2);
    s.client("meter").publishes("a/b", "0").publishes("a/b", "1", qos1).publishes("a/b", "2", qos2);
    s.client("meter")
        .gets(publish("a/b", "0").any_properties())
        .gets_in_any_order({publish("a/b", "1").qos(qos1).any_properties()});
    s.client("meter").takes_all();
    s.client("meter").unsubscribes("a/#").pings().sends(connack()).is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

}  // namespace ledge::spec
