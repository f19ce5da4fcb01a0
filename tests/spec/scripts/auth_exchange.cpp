// Enhanced authentication with the one method that is built in: SASL ANONYMOUS, one message from the client, a trace.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::spec {

namespace {

ConnectOptions with_method(std::string_view method, std::optional<std::string_view> data = std::nullopt) {
    ConnectOptions options;
    options.properties.push_back(property(Id::authentication_method, method));
    if (data) options.properties.push_back(property(Id::authentication_data, *data));
    return options;
}

Packet continues(std::optional<std::string_view> data = std::nullopt) {
    return auth(ReasonCode::continue_authentication, "ANONYMOUS", data);
}

void no_anonymous(broker::ShardOptions& options) { options.listeners[0].allow_anonymous = false; }

}  // namespace

SPEC("v5 [MQTT-4.12.0-5] the trace may come with CONNECT; CONNACK names the method") {
    Script s;
    s.client("meter")
        .connects(with_method("ANONYMOUS", "trace"))
        .gets(connack().with(Id::authentication_method, "ANONYMOUS"))
        .pings();
    s.nothing_else();
}

SPEC("v5 [MQTT-4.12.0-2] [MQTT-4.12.0-3] [MQTT-4.12.0-5] [MQTT-3.15.2-1] without it the broker asks with AUTH 0x18") {
    Script s;
    s.client("meter").connects(with_method("ANONYMOUS")).gets(continues()).gets_nothing();
    s.client("meter").sends(continues("trace")).gets(connack().with(Id::authentication_method, "ANONYMOUS")).pings();
    s.nothing_else();
}

SPEC("v5 the session is found after the exchange, not before it") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos1);
    ConnectOptions options = with_method("ANONYMOUS");
    options.client_id = "meter";
    options.clean = false;
    options.session_expiry = 60s;
    s.client("second").connects(options).gets(continues());
    s.client("meter").pings();
    s.client("second").sends(continues("trace")).gets(connack().session_present());
    s.client("meter").is_disconnected(ReasonCode::session_taken_over);
    s.nothing_else();
}

SPEC("v5 the will of CONNECT holds after an exchange") {
    Script s;
    s.client("watch").connects().subscribes("will");
    ConnectOptions options = with_method("ANONYMOUS");
    options.will = WillMessage{.topic = "will", .payload = "gone"};
    s.client("meter").connects(options).gets(continues()).sends(continues("trace")).gets(connack()).loses_connection();
    s.client("watch").gets(publish("will", "gone"));
    s.nothing_else();
}

SPEC("v5 a connection that breaks during the exchange leaves nothing behind") {
    Script s;
    s.client("watch").connects().subscribes("will");
    ConnectOptions options = with_method("ANONYMOUS");
    options.will = WillMessage{.topic = "will", .payload = "gone"};
    options.session_expiry = 60s;
    s.client("meter").connects(options).gets(continues()).loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.nothing_else();
}

SPEC("v5 [MQTT-4.12.0-1] [MQTT-3.1.4-2] [MQTT-4.13.2-1] an unknown method gets 0x8C") {
    for (const char* method : {"SCRAM-SHA-1", "GS2-KRB5", "anonymous", ""}) {
        Script s;
        s.client("meter").connects(with_method(method, "x")).is_refused(ReasonCode::bad_authentication_method);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.12.0-4] [MQTT-3.1.4-2] where anonymous clients are not allowed the method is of no use") {
    for (const auto data : {std::optional<std::string_view>("trace"), std::optional<std::string_view>()}) {
        Script s(v5, no_anonymous);
        s.client("meter").connects(with_method("ANONYMOUS", data));
        if (!data) s.client("meter").gets(continues()).sends(continues("trace"));
        s.client("meter").is_refused(ReasonCode::not_authorized);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-30] nothing but AUTH and DISCONNECT is taken during the exchange") {
    const Packet packets[] = {
        publish("a", "1"), publish("a", "1").qos1(1), subscribe(1, {"a"}), unsubscribe(1, {"a"}), pingreq(), puback(1)};
    for (const auto& packet : packets) {
        Script s;
        s.client("watch").connects().subscribes("#");
        s.client("meter").connects(with_method("ANONYMOUS")).gets(continues()).sends(packet);
        for (const auto& answer : s.client("meter").takes_all()) CHECK(answer.type == PacketType::connack);
        s.client("meter").is_closed();
        s.nothing_else();
    }
    Script s;
    s.client("meter").connects(with_method("ANONYMOUS")).gets(continues()).sends(disconnect()).is_closed();
    s.nothing_else();
}

SPEC("v5 a client that does not answer in the exchange is closed in time") {
    Script s;
    s.client("meter").connects(with_method("ANONYMOUS")).gets(continues());
    s.passes(11s);
    for (const auto& answer : s.client("meter").takes_all()) CHECK(answer.type == PacketType::connack);
    s.client("meter").is_closed();
    s.nothing_else();
}

SPEC("v5 [MQTT-4.12.0-5] another method, no method or a wrong step in the exchange ends it") {
    const Packet packets[] = {
        auth(ReasonCode::continue_authentication, "OTHER", "x"), auth(ReasonCode::continue_authentication, "", "x"),
        auth(ReasonCode::reauthenticate, "ANONYMOUS", "x"), auth(ReasonCode::success, "ANONYMOUS", "x")};
    for (const auto& packet : packets) {
        Script s;
        s.client("meter").connects(with_method("ANONYMOUS")).gets(continues()).sends(packet);
        for (const auto& answer : s.client("meter").takes_all()) CHECK(answer.type == PacketType::connack);
        s.client("meter").is_closed();
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.12.0-6] no method in CONNECT, no method in CONNACK") {
    Script s;
    s.client("meter").connects().gets(connack().without(Id::authentication_method).without(Id::authentication_data));
    s.nothing_else();
}

SPEC("v5 [MQTT-4.12.0-7] AUTH from a client that named no method is a protocol error") {
    for (const auto code : {ReasonCode::reauthenticate, ReasonCode::continue_authentication}) {
        Script s;
        s.client("meter")
            .connects()
            .gets(connack())
            .sends(auth(code, "ANONYMOUS", "x"))
            .is_disconnected(ReasonCode::protocol_error);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.12.1-1] [MQTT-4.12.0-5] re-authentication with data succeeds at once, without data after a question") {
    Script s;
    s.client("meter").connects(with_method("ANONYMOUS", "trace")).gets(connack());
    s.client("meter").sends(auth(ReasonCode::reauthenticate, "ANONYMOUS", "again"));
    s.client("meter").gets(auth(ReasonCode::success, "ANONYMOUS")).pings();
    s.client("meter").sends(auth(ReasonCode::reauthenticate, "ANONYMOUS")).gets(continues());
    s.client("meter").pings().sends(continues("again")).gets(auth(ReasonCode::success, "ANONYMOUS")).pings();
    s.nothing_else();
}

SPEC("v5 [MQTT-4.12.1-1] [MQTT-4.12.1-2] re-authentication with another method ends the connection") {
    Script s;
    s.client("meter").connects(with_method("ANONYMOUS", "trace")).gets(connack());
    s.client("meter").sends(auth(ReasonCode::reauthenticate, "OTHER", "x")).is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC("v5 AUTH 0x18 that nobody asked for, and AUTH 0x00 from a client, are protocol errors") {
    for (const auto code : {ReasonCode::continue_authentication, ReasonCode::success}) {
        Script s;
        s.client("meter").connects(with_method("ANONYMOUS", "trace")).gets(connack());
        s.client("meter").sends(auth(code, "ANONYMOUS", "x")).is_disconnected(ReasonCode::protocol_error);
        s.nothing_else();
    }
}

SPEC("AUTH is unknown to 3.x") {
    for (const auto version : versions_3) {
        Script s(version);
        s.client("meter").connects().sends_raw({0xF0, 0x00}).is_closed();
        s.nothing_else();
    }
}

}  // namespace ledge::spec
