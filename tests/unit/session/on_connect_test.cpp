// CONNECT in, CONNACK out: what is refused and how it is said, what the client is told of our limits.
#include "rig.hpp"

#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {
namespace {

std::string answer_to(Rig& rig, const wire::Connect& wish) {
    rig.opens();
    rig.sends(encoded(wish));
    return unsent(rig.connection->outbox());
}

wire::Properties connack_properties(const std::string& bytes) {
    const auto packet = wire::decode_connack(as_bytes(bytes), Version::v5);
    REQUIRE(packet.ok());
    CHECK(packet->code == ReasonCode::success);
    return packet->properties;
}

TEST_CASE("anonymous clients are refused where the listener does not allow them; v5 and 3.x are told in their way") {
    Rig rig;
    rig.listener.allow_anonymous = false;
    CHECK(answer_to(rig, connect_v311()) == std::string("\x20\x02\x00\x05", 4));
    wire::Connect with_name = connect_v311();
    with_name.user_name = "u";
    CHECK(answer_to(rig, with_name) == std::string("\x20\x02\x00\x04", 4));
    CHECK(rig.is_closing());
    rig.opens();
    rig.sends(encoded(connect_v5()));
    CHECK(rig.takes() == "CONNACK not_authorized");
    CHECK(rig.is_closing());
    CHECK(rig.services.counters.connections_refused == 3);
}

TEST_CASE("a reason for which 3.x has no return code closes without CONNACK") {
    Rig rig;
    wire::Connect wish = connect_v311();
    wish.will = wire::Will{"$SYS/x", {}, qos0, false, {}};
    CHECK(answer_to(rig, wish) == std::string("\x20\x02\x00\x05", 4));
    wish.will->topic = "a/b/c";
    rig.listener.limits.topic_levels_max = 2;
    CHECK(answer_to(rig, wish).empty());
    CHECK(rig.is_closing());
}

TEST_CASE("a will must keep to what CONNACK would have told [MQTT-3.2.2-12] [MQTT-3.2.2-13]") {
    Rig rig;
    wire::Connect wish = connect_v5();
    const auto refused_with = [&](const wire::Will& will) {
        wish.will = will;
        rig.opens();
        rig.sends(encoded(wish));
        return rig.takes();
    };
    rig.listener.limits.maximum_qos = qos1;
    rig.listener.limits.retain_available = false;
    rig.listener.limits.topic_bytes_max = 5;
    CHECK(refused_with({"a", {}, qos2, false, {}}) == "CONNACK qos_not_supported");
    CHECK(refused_with({"a", {}, qos1, true, {}}) == "CONNACK retain_not_supported");
    CHECK(refused_with({"123456", {}, qos0, false, {}}) == "CONNACK topic_name_invalid");
    CHECK(refused_with({"$SYS", {}, qos0, false, {}}).starts_with("CONNACK success"));
    CHECK(refused_with({"$SYS/", {}, qos0, false, {}}) == "CONNACK not_authorized");
    CHECK(refused_with({"12345", {}, qos1, false, {}}) == "CONNACK success");
}

TEST_CASE("a bridge of Mosquitto connects with its will below $SYS/broker/connection, retained as by default") {
    Rig rig;
    for (wire::Connect wish : {connect_v311(), connect_v5()}) {
        wish.will = wire::Will{"$SYS/broker/connection/house.office/state", as_bytes("0"), qos1, true, {}};
        rig.connects(wish);
        REQUIRE_FALSE(rig.is_closing());
    }
    rig.sends(publish("$SYS/broker/connection/house.office/state", "1", qos1, 7));
    CHECK(rig.takes() == "PUBACK 7");
    rig.sends(publish("$SYS/broker/uptime", "1", qos1, 8));
    CHECK(rig.takes() == "PUBACK 8 not_authorized");
}

TEST_CASE("client identifiers: too long is refused, none gets one assigned that differs each time") {
    Rig rig;
    rig.listener.limits.client_id_bytes_max = 3;
    wire::Connect wish = connect_v5();
    wish.client_id = "1234";
    rig.opens();
    rig.sends(encoded(wish));
    CHECK(rig.takes() == "CONNACK client_identifier_not_valid");
    wish.client_id = "";
    const auto assigned = [&] {
        const std::string bytes = answer_to(rig, wish);
        return std::string(connack_properties(bytes).text(PropertyId::assigned_client_identifier).value_or(""));
    };
    const std::string one = assigned();
    const std::string two = assigned();
    CHECK(one.size() == 17);
    CHECK(one.starts_with("auto-"));
    CHECK(one != two);
    wish.client_id = "123";
    CHECK_FALSE(connack_properties(answer_to(rig, wish)).has(PropertyId::assigned_client_identifier));
}

TEST_CASE("CONNACK tells what is limited, and leaves out what is as the standard has it") {
    Rig rig;
    const std::string plain = answer_to(rig, connect_v5());
    const wire::Properties told = connack_properties(plain);
    CHECK(told.number(PropertyId::maximum_packet_size) == 16U * 1024U * 1024U);
    CHECK(told.number(PropertyId::topic_alias_maximum) == 64U);
    for (const PropertyId left_out :
         {PropertyId::maximum_qos, PropertyId::retain_available, PropertyId::wildcard_subscription_available,
          PropertyId::shared_subscription_available, PropertyId::server_keep_alive, PropertyId::response_information,
          PropertyId::session_expiry_interval, PropertyId::authentication_method, PropertyId::receive_maximum})
        CHECK_FALSE(told.has(left_out));

    rig.listener.limits.maximum_qos = qos1;
    rig.listener.limits.retain_available = false;
    rig.listener.limits.wildcard_subscriptions_available = false;
    rig.listener.limits.shared_subscriptions_available = false;
    rig.listener.limits.max_keep_alive_s = 60;
    rig.listener.limits.receive_maximum = 100;
    rig.services.response_information_prefix = "answers/";
    wire::PropertyBuilder properties;
    properties.number(PropertyId::request_response_information, 1).number(PropertyId::session_expiry_interval, 77);
    wire::Connect wish = connect_v5(&properties);
    wish.keep_alive_s = 61;
    const std::string limited = answer_to(rig, wish);
    const wire::Properties all = connack_properties(limited);
    CHECK(all.number(PropertyId::maximum_qos) == 1U);
    CHECK(all.number(PropertyId::receive_maximum) == 100U);
    CHECK(all.number(PropertyId::retain_available) == 0U);
    CHECK(all.number(PropertyId::wildcard_subscription_available) == 0U);
    CHECK(all.number(PropertyId::shared_subscription_available) == 0U);
    CHECK(all.number(PropertyId::server_keep_alive) == 60U);
    CHECK(all.text(PropertyId::response_information) == "answers/c");
    CHECK(all.number(PropertyId::session_expiry_interval) == 0U);  // the rig's session ends with its connection
}

TEST_CASE("a CONNACK larger than the client takes ends the connection, and nothing else is sent [MQTT-3.1.2-24]") {
    Rig rig;
    rig.connects();
    rig.session->queue().enqueue(delivery("a", "x", qos1), rig.session->limits());
    rig.is_gone();
    wire::PropertyBuilder properties;
    properties.number(PropertyId::maximum_packet_size, 10);
    rig.opens();
    // The session is resumed by hand: the rig's connects() demands success.
    Effect effect;
    const std::string bytes = encoded(connect_v5(&properties));
    rig.connection->on_frame(as_bytes(bytes), rig.now, effect);
    rig.connection->accept(std::get<OpenSession>(effect), *rig.session, true, rig.now);
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
    CHECK(rig.session->queue().pending().size() == 1);
}

TEST_CASE("a CONNECT that does not decode is refused in the form of the version it claims") {
    Rig rig;
    std::string v5 = encoded(connect_v5());
    v5[9] = '\x03';  // reserved flag [MQTT-3.1.2-3]
    rig.opens();
    rig.sends(v5);
    CHECK(rig.takes() == "CONNACK malformed_packet");
    std::string v311 = encoded(connect_v311());
    v311[9] = '\x03';
    rig.opens();
    rig.sends(v311);
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
    std::string v6 = encoded(connect_v5());
    v6[8] = '\x06';
    rig.opens();
    rig.sends(v6);
    CHECK(rig.takes() == "CONNACK unsupported_protocol_version");
}

}  // namespace
}  // namespace ledge::session
