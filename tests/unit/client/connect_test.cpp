#include "rig.hpp"

namespace ledge::client {
namespace {

wire::Connect connect_of(Rig& rig, bool clean_start = true) {
    rig.client.connect(clean_start, rig.now);
    return *wire::decode_connect(rig.client.output());
}

TEST_CASE("CONNECT says what the options say, and leaves out what is the standard's default") {
    Options options = lasting();
    options.user_name = "ann";
    options.password = "secret";
    options.keep_alive_s = 17;
    options.receive_maximum = 9;
    options.topic_alias_maximum = 4;
    options.request_problem_information = false;
    options.request_response_information = true;
    options.user_properties = {{"model", "x1"}};
    WillOptions will{"a/will", "gone", qos1, true, {}};
    will.properties.number(PropertyId::will_delay_interval, 5);
    options.will = will;
    Rig rig(options);
    const wire::Connect packet = connect_of(rig, false);
    CHECK(packet.version == v5);
    CHECK(packet.client_id == "meter");
    CHECK_FALSE(packet.clean_start);
    CHECK(packet.keep_alive_s == 17);
    CHECK(*packet.user_name == "ann");
    CHECK(as_text(*packet.password) == "secret");
    CHECK(packet.will->topic == "a/will");
    CHECK(packet.will->retain);
    CHECK(*packet.will->properties.number(PropertyId::will_delay_interval) == 5);
    CHECK(*packet.properties.number(PropertyId::session_expiry_interval) == 3600);
    CHECK(*packet.properties.number(PropertyId::receive_maximum) == 9);
    CHECK(*packet.properties.number(PropertyId::topic_alias_maximum) == 4);
    CHECK(*packet.properties.number(PropertyId::request_problem_information) == 0);
    CHECK(*packet.properties.number(PropertyId::request_response_information) == 1);
    CHECK(*packet.properties.number(PropertyId::maximum_packet_size) == 1024 * 1024);
    CHECK(packet.properties.has(PropertyId::user_property));

    Options plain;
    plain.maximum_packet_size = wire::packet_size_max;
    Rig bare(plain);
    CHECK(connect_of(bare).properties.empty());
}

TEST_CASE("the bridge bit is for 3.x only") {
    for (const Version version : {v311, v5}) {
        Options options = lasting(version);
        options.is_bridge = true;
        Rig rig(options);
        CHECK(connect_of(rig).is_bridge == (version == v311));
    }
}

TEST_CASE("3.1.1: an empty client id needs a clean session [MQTT-3.1.3-7]") {
    Options options = lasting(v311);
    options.client_id = "";
    Rig rig(options);
    CHECK(connect_of(rig, false).clean_start);
}

TEST_CASE("3.x: CONNECT has no properties, also in the will") {
    Options options = lasting(v311);
    options.will = WillOptions{"a/will", "gone", qos0, false, {}};
    options.will->properties.number(PropertyId::will_delay_interval, 5);
    Rig rig(options);
    const wire::Connect packet = connect_of(rig);
    CHECK(packet.version == v311);
    CHECK(packet.properties.empty());
    CHECK(packet.will->properties.empty());
}

TEST_CASE("the limits of CONNACK are those of the connection") {
    PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 3)
        .number(PropertyId::maximum_qos, 1)
        .number(PropertyId::retain_available, 0)
        .number(PropertyId::maximum_packet_size, 100)
        .number(PropertyId::topic_alias_maximum, 7)
        .number(PropertyId::wildcard_subscription_available, 0)
        .number(PropertyId::subscription_identifier_available, 0)
        .number(PropertyId::shared_subscription_available, 0)
        .number(PropertyId::server_keep_alive, 20)
        .number(PropertyId::session_expiry_interval, 60);
    Rig rig;
    CHECK(rig.connects(true, false, properties) == "connected");
    const ServerLimits& limits = rig.client.limits();
    CHECK(limits.receive_maximum == 3);
    CHECK(limits.maximum_qos == qos1);
    CHECK_FALSE(limits.retain_available);
    CHECK(limits.maximum_packet_size == 100);
    CHECK(limits.topic_alias_maximum == 7);
    CHECK_FALSE(limits.wildcard_subscriptions_available);
    CHECK_FALSE(limits.subscription_identifiers_available);
    CHECK_FALSE(limits.shared_subscriptions_available);
    CHECK(limits.keep_alive_s == 20);
    CHECK(limits.session_expiry_s == 60);
}

TEST_CASE("without properties in CONNACK the standard's defaults count") {
    Rig rig;
    rig.connects();
    CHECK(rig.client.limits().receive_maximum == 65'535);
    CHECK(rig.client.limits().maximum_qos == qos2);
    CHECK(rig.client.limits().retain_available);
    CHECK(rig.client.limits().topic_alias_maximum == 0);
    CHECK(rig.client.limits().keep_alive_s == 60);
    CHECK(rig.client.limits().session_expiry_s == 3600);
}

TEST_CASE("[MQTT-3.2.2-16] the assigned client id is the client id, on later connections too") {
    Options options = lasting();
    options.client_id = "";
    Rig rig(options);
    PropertyBuilder properties;
    properties.text(PropertyId::assigned_client_identifier, "auto-7");
    CHECK(rig.connects(true, false, properties) == "connected");
    CHECK(rig.client.client_id() == "auto-7");
    CHECK(rig.resumes() == "connected to session");
    CHECK(rig.client.client_id() == "auto-7");
}

TEST_CASE("a refusal is told with its code and its properties") {
    Rig rig;
    rig.client.connect(true, rig.now);
    rig.sent();
    wire::Connack connack;
    connack.code = ReasonCode::not_authorized;
    CHECK(rig.gets(connack) == "ended refused: not_authorized");
    CHECK(rig.client.wants_close());
    CHECK(rig.sent() == "");
}

TEST_CASE("3.1.1: each return code of CONNACK has its reason code") {
    const char* codes[] = {"unsupported_protocol_version", "client_identifier_not_valid", "server_unavailable",
                           "bad_user_name_or_password", "not_authorized"};
    for (int code = 1; code <= 5; ++code) {
        Rig rig(lasting(v311));
        rig.client.connect(true, rig.now);
        rig.sent();
        CHECK(rig.gets_bytes({0x20, 0x02, 0x00, code}) == "ended refused: " + std::string(codes[code - 1]));
    }
}

TEST_CASE("a server that does not know MQTT 5 refuses in the form of 3.1.1") {
    Rig rig;
    rig.client.connect(true, rig.now);
    rig.sent();
    CHECK(rig.gets_bytes({0x20, 0x02, 0x00, 0x01}) == "ended refused: unsupported_protocol_version");
}

TEST_CASE("a session that the server still has from an earlier life of the client can be accepted") {
    Options options = lasting();
    options.accepts_unknown_session = true;
    Rig rig(options);
    CHECK(rig.connects(false, true) == "connected to session");
}

TEST_CASE("the session of a client without expiry ends with the connection") {
    Options options = lasting();
    options.session_expiry_s = 0;
    Rig rig(options);
    rig.connects();
    CHECK(rig.resumes(true) == "ended violation: session present, but the client has no session state [MQTT-3.2.2-4]");
}

TEST_CASE("DISCONNECT can change the session expiry") {
    Rig rig;
    rig.connects();
    PropertyBuilder properties;
    properties.number(PropertyId::session_expiry_interval, 0);
    rig.client.disconnect(ReasonCode::success, properties.view());
    CHECK(rig.sent() == "DISCONNECT");
    CHECK(rig.client.wants_close());
    CHECK(rig.resumes(true) == "ended violation: session present, but the client has no session state [MQTT-3.2.2-4]");
}

TEST_CASE("disconnect: the code, then nothing more [MQTT-3.14.4-1]") {
    Rig rig;
    rig.connects();
    rig.client.disconnect(ReasonCode::disconnect_with_will);
    CHECK(rig.gets(publish("a", "b", qos1, 1)) == "");
    CHECK(rig.client.publish(publish("a", "b")).error() == ReasonCode::server_unavailable);
    CHECK_FALSE(rig.client.wants_close());
    CHECK(rig.sent() == "DISCONNECT disconnect_with_will");
    CHECK(rig.client.wants_close());
    CHECK(rig.client.next_deadline() == never);
}

TEST_CASE("3.1.1: DISCONNECT has no code, so another code than success closes without it and the will is published") {
    Rig rig(lasting(v311));
    rig.connects();
    rig.client.disconnect(ReasonCode::disconnect_with_will);
    CHECK(rig.sent() == "");
    CHECK(rig.client.wants_close());
    rig.resumes();
    rig.client.disconnect();
    CHECK(rig.sent() == "DISCONNECT");
}

TEST_CASE("the server's DISCONNECT is told with its code") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(wire::Disconnect{ReasonCode::session_taken_over, {}}) == "ended disconnected: session_taken_over");
    CHECK(rig.client.wants_close());
    CHECK(rig.sent() == "");
}

TEST_CASE("options can change between connections; a new client id forgets an assigned one") {
    Options options = lasting();
    options.client_id = "";
    Rig rig(options);
    PropertyBuilder properties;
    properties.text(PropertyId::assigned_client_identifier, "auto-7");
    rig.connects(true, false, properties);
    rig.client.closed();
    options.client_id = "named";
    rig.client.set_options(options);
    CHECK(rig.client.client_id() == "named");
}

}  // namespace
}  // namespace ledge::client
