// CONNECT and CONNACK when all is well: versions, client ids, session present, what the server tells.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v3 [MQTT-3.1.4-4] [MQTT-3.2.0-1] [MQTT-3.2.2-1] v5 [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.2-1] [MQTT-3.2.2-2] "
    "a good CONNECT is answered with CONNACK 0 and nothing else") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().gets(connack().session_present(false));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.3-5] v5 [MQTT-3.1.3-5] client ids of 1 to 23 letters and digits are taken") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("x").connects();
        s.client("0123456789abcdefghijklm").connects();
        s.client("nopqrstuvwxyzABCDEFGHIJ").connects();
        s.client("KLMNOPQRSTUVWXYZ").connects();
        s.nothing_else();
    }
}

SPEC(
    "v5 [MQTT-3.1.3-8] v3 [MQTT-3.1.3-9] client ids may be longer and hold any character, up to the limit of the "
    "listener") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("käse/+/# 🧀").connects();
        s.client(repeat('x', 1024)).connects();
        s.client("long")
            .connects({.client_id = repeat('x', 1025)})
            .is_refused(ReasonCode::client_identifier_not_valid, 2);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.3-6] an empty client id with clean session gets a session of its own") {
    Script s(v311);
    s.client("one").connects({.client_id = ""}).subscribes("a");
    s.client("two").connects({.client_id = ""}).subscribes("a");
    s.client("lamp").connects().publishes("a", "1");
    s.client("one").gets(publish("a", "1"));
    s.client("two").gets(publish("a", "1"));
    s.nothing_else();
}

SPEC(
    "v3 [MQTT-3.1.3-7] [MQTT-3.1.3-8] [MQTT-3.1.3-9] [MQTT-3.2.2-4] [MQTT-3.2.2-5] an empty client id needs clean "
    "session") {
    Script s(v311);
    s.client("meter")
        .connects({.client_id = "", .clean = false})
        .is_refused(ReasonCode::client_identifier_not_valid, 2);
    s.nothing_else();
}

SPEC("MQTT 3.1 wants a client id of at least one character") {
    Script s(v31);
    s.client("meter").connects({.client_id = ""}).is_refused(ReasonCode::client_identifier_not_valid, 2);
    s.nothing_else();
}

SPEC(
    "v5 [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] an empty client id is replaced by a new one, which CONNACK "
    "tells") {
    Script s;
    s.client("one").connects({.client_id = ""}).gets(connack());
    s.client("two").connects({.client_id = ""}).gets(connack());
    const auto one = s.client("one").last().text(Id::assigned_client_identifier);
    const auto two = s.client("two").last().text(Id::assigned_client_identifier);
    REQUIRE(one.has_value());
    REQUIRE(two.has_value());
    CHECK(one->starts_with("auto-"));
    CHECK(*one != *two);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.3-7] an assigned client id is a client id like any other: its session can be resumed") {
    Script s;
    s.client("meter").connects({.client_id = "", .clean = false, .session_expiry = 60s}).gets(connack());
    const auto id = s.client("meter").last().text(Id::assigned_client_identifier);
    REQUIRE(id.has_value());
    s.client("meter").loses_connection();
    s.client("meter").connects({.client_id = *id, .clean = false, .session_expiry = 60s});
    s.client("meter").gets(connack().session_present().without(Id::assigned_client_identifier));
    s.nothing_else();
}

SPEC("v5 a client that brings its id is not assigned one") {
    Script s;
    s.client("meter").connects().gets(connack().without(Id::assigned_client_identifier));
    s.nothing_else();
}

SPEC("v3 [MQTT-3.1.3-2] v5 [MQTT-3.1.3-2] the client id decides which session is meant, character by character") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).gets(connack()).loses_connection();
        s.client("METER").connects(resume).gets(connack().session_present(false));
        s.client("mete").connects(resume).gets(connack().session_present(false));
        s.client("meter").connects(resume).gets(connack().session_present(version != v31));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.1.3-1] [MQTT-3.1.3-3] v5 [MQTT-3.1.3-1] [MQTT-3.1.3-3] the payload is read in the order of the "
    "standard") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("#");
        s.client("meter").connects({.will = WillMessage{.topic = "w/t", .payload = "w p"}}).loses_connection();
        s.client("watch").gets(publish("w/t", "w p"));
        s.nothing_else();
    }
}

SPEC("v5 the server tells the limits that differ from the standard's defaults") {
    Script s(v5, [](broker::ShardOptions& options) {
        options.listeners[0].limits.receive_maximum = 7;
        options.listeners[0].limits.topic_alias_max_in = 5;
        options.listeners[0].limits.max_packet_size_bytes = 2048;
    });
    s.client("meter").connects();
    s.client("meter").gets(connack()
                               .with(Id::receive_maximum, 7)
                               .with(Id::topic_alias_maximum, 5)
                               .with(Id::maximum_packet_size, 2048)
                               .without(Id::maximum_qos)
                               .without(Id::retain_available)
                               .without(Id::server_keep_alive));
    s.nothing_else();
}

SPEC("v5 a session expiry above the limit is shortened, and CONNACK says to what") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.session_expiry_max_s = 100; });
    s.client("meter").connects({.session_expiry = 101s}).gets(connack().with(Id::session_expiry_interval, 100));
    s.client("lamp").connects({.session_expiry = 100s}).gets(connack().without(Id::session_expiry_interval));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-28] Response Information only for a client that asks") {
    Script s;
    s.client("quiet").connects().gets(connack().without(Id::response_information));
    s.client("no").connects({.request_response_information = 0}).gets(connack().without(Id::response_information));
    s.client("yes").connects({.request_response_information = 1});
    s.client("yes").gets(connack().with(Id::response_information, "responses/yes"));
    s.client("narrow").connects(
        {.client_id = std::string(30, 'n'), .maximum_packet_size = 40, .request_response_information = 1});
    s.client("narrow").gets(connack().without(Id::response_information)).is_connected();
    s.nothing_else();
}

SPEC("v3 [MQTT-3.12.4-1] v5 [MQTT-3.12.4-1] PINGREQ is answered with PINGRESP") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().pings().pings();
        s.nothing_else();
    }
}

SPEC("packets sent right behind CONNECT, without waiting for CONNACK, are processed") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("a");
        s.client("meter").opens(version).sends_raw(encode_connect(version, "meter", {}) +
                                                   encode(publish("a", "1"), version));
        s.client("meter").gets(connack());
        s.client("watch").gets(publish("a", "1"));
        s.nothing_else();
    }
}

SPEC("a connection works the same when every byte comes alone") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("a/#", qos1);
        s.client("meter").opens(version).sends_byte_by_byte(encode_connect(version, "meter", {})).gets(connack());
        s.client("meter").sends_byte_by_byte(encode(publish("a/b", "12345").qos1(9), version)).gets(puback(9));
        s.client("watch").gets(publish("a/b", "12345").qos1(1)).acknowledges(1);
        s.client("meter").sends_byte_by_byte(encode(pingreq(), version)).gets(pingresp());
        s.nothing_else();
    }
}

SPEC("bridges of other brokers mark themselves in the protocol level and are served") {
    for (const auto version : versions_3) {
        Script s(version);
        std::string packet = encode_connect(version, "bridge", {});
        const std::size_t level = version == v31 ? 10 : 8;
        packet[level] = static_cast<char>(static_cast<unsigned char>(packet[level]) | 0x80U);
        s.client("bridge").opens(version).sends_raw(packet).gets(connack()).subscribes("a").pings();
        s.nothing_else();
    }
}

SPEC("clients of all versions reach each other") {
    Script s;
    s.client("old").connects(v31).subscribes("a/+", qos1);
    s.client("middle").connects(v311).subscribes("a/+", qos1);
    s.client("new").connects(v5).subscribes("a/+", qos1);
    for (const char* name : {"old", "middle", "new"}) {
        s.client(name).publishes("a/b", name, qos1);
        for (const char* reader : {"old", "middle", "new"})
            s.client(reader).gets(publish("a/b", name).qos(qos1)).acknowledges(*s.client(reader).last().packet_id);
    }
    s.nothing_else();
}

SPEC("v3 [MQTT-7.0.0-2] nothing but the standard is needed: the plainest client publishes and subscribes") {
    Script s(v311);
    s.client("meter").connects().subscribes("a").publishes("a", "1").gets(publish("a", "1")).disconnects();
    s.nothing_else();
}

}  // namespace ledge::spec
