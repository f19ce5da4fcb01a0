// Enhanced authentication (5.0 section 4.12) with the method that is built in.
#include "rig.hpp"

namespace ledge::session {
namespace {

std::string auth(ReasonCode code, std::string_view method, std::string_view data = {}) {
    wire::PropertyBuilder properties;
    if (!method.empty()) properties.text(PropertyId::authentication_method, method);
    if (!data.empty()) properties.text(PropertyId::authentication_data, data);
    return encoded(wire::Auth{code, properties.view()}, Version::v5);
}

void starts(Rig& rig, std::string_view method, std::string_view data = {}) {
    wire::PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, method);
    if (!data.empty()) properties.text(PropertyId::authentication_data, data);
    rig.opens();
    rig.sends(encoded(connect_v5(&properties)));
}

constexpr auto next = ReasonCode::continue_authentication;
constexpr auto again = ReasonCode::reauthenticate;

TEST_CASE("an unknown method is refused with 0x8C") {
    Rig rig;
    starts(rig, "SCRAM-SHA-256");
    CHECK(rig.takes() == "CONNACK bad_authentication_method");
    CHECK(rig.is_closing());
}

TEST_CASE("ANONYMOUS with its trace in CONNECT, or in a second step [MQTT-4.12.0-2]") {
    Rig rig;
    starts(rig, "ANONYMOUS", "gateway 7");
    const auto packet = wire::decode_connack(as_bytes(unsent(rig.connection->outbox())), Version::v5);
    CHECK(packet.ok());
    CHECK(rig.connection->is_connected());
    starts(rig, "ANONYMOUS");
    CHECK(rig.takes() == "AUTH continue_authentication");
    CHECK(rig.connection->state() == Connection::State::authenticating);
    rig.sends(auth(next, "ANONYMOUS", "gateway 7"));
    CHECK(rig.connection->is_connected());
    const std::string answer = unsent(rig.connection->outbox());
    const auto connack = wire::decode_connack(as_bytes(answer), Version::v5);
    REQUIRE(connack.ok());
    CHECK(connack->properties.text(PropertyId::authentication_method) == "ANONYMOUS");  // [MQTT-4.12.0-5]
}

TEST_CASE("where anonymous clients are not allowed, the method does not help") {
    Rig rig;
    rig.listener.allow_anonymous = false;
    starts(rig, "ANONYMOUS", "x");
    CHECK(rig.takes() == "CONNACK not_authorized");
    starts(rig, "ANONYMOUS");
    rig.takes();
    rig.sends(auth(next, "ANONYMOUS"));
    CHECK(rig.takes() == "CONNACK not_authorized");
}

TEST_CASE("in the exchange only AUTH of the same method, or DISCONNECT, may come [MQTT-4.12.0-3] [MQTT-4.12.0-5]") {
    Rig rig;
    const auto answer_to = [&](const std::string& bytes) {
        starts(rig, "ANONYMOUS");
        rig.takes();
        rig.sends(bytes);
        CHECK(rig.is_closing());
        CHECK(rig.session == nullptr);
        return rig.takes();
    };
    CHECK(answer_to(auth(next, "OTHER")) == "CONNACK protocol_error");
    CHECK(answer_to(auth(again, "ANONYMOUS")) == "CONNACK protocol_error");
    CHECK(answer_to(publish("a", "b")).empty());
    CHECK(answer_to(std::string("\xE0\x00", 2)).empty());
    CHECK(answer_to(std::string("\xC0\x00", 2)).empty());
}

TEST_CASE("re-authentication keeps the connection when it succeeds [MQTT-4.12.1-1]") {
    Rig rig;
    starts(rig, "ANONYMOUS", "x");
    rig.takes();
    rig.sends(auth(again, "ANONYMOUS", "y"));
    CHECK(rig.takes() == "AUTH");
    rig.sends(auth(again, "ANONYMOUS"));
    CHECK(rig.takes() == "AUTH continue_authentication");
    rig.sends(auth(next, "ANONYMOUS", "z"));
    CHECK(rig.takes() == "AUTH");
    rig.sends(auth(next, "ANONYMOUS", "z"));  // no step of an exchange
    CHECK(rig.takes() == "DISCONNECT protocol_error");
}

TEST_CASE("re-authentication that fails ends the connection [MQTT-4.12.1-2]") {
    Rig rig;
    starts(rig, "ANONYMOUS", "x");
    rig.takes();
    rig.sends(auth(again, "ANONYMOUS", std::string(1100, 'x')));
    CHECK(rig.takes() == "DISCONNECT not_authorized");
}

TEST_CASE("[MQTT-4.12.0-7] AUTH without a method in CONNECT is a protocol error, in 3.x too") {
    Rig rig;
    rig.connects();
    rig.sends(auth(again, "ANONYMOUS"));
    CHECK(rig.takes() == "DISCONNECT protocol_error");
    rig.connects(connect_v311());
    rig.sends(std::string("\xF0\x00", 2));
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
}

}  // namespace
}  // namespace ledge::session
