// Enhanced authentication (5.0 section 4.12) with the method that is built in.
#include "rig.hpp"

#include "ledge/auth/text_file.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

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
    CHECK(rig.is_in_auth_exchange());
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

// ---------------------------------------------------------------------------------------------------------------------
// SCRAM. What a right proof leads to is shown by an independent client (tests/e2e).

auth::Policy with_keys() {
    auth::Policy policy;
    const auto keys = auth::make_scram_keys(as_bytes("secret"), as_bytes("sixteen bytes it"), 4096);
    policy.passwords = std::move(*auth::PasswordFile::parse(auth::with_password("", "alice", keys)));
    return policy;
}

/// The data of the AUTH or CONNACK that came last.
std::string data_of(Rig& rig) {
    const std::string bytes = unsent(rig.connection->outbox());
    const auto packet = wire::decode_auth(as_bytes(bytes), Version::v5);
    REQUIRE(packet.ok());
    rig.connection->outbox().clear();
    return std::string(packet->properties.text(PropertyId::authentication_data).value_or(""));
}

std::string final_message(const std::string& challenge) {
    return "c=biws," + challenge.substr(0, challenge.find(',')) + ",p=" + std::string(43, 'A') + "=";
}

TEST_CASE("SCRAM: a known and an unknown user are asked and refused alike, and both count as guesses") {
    Rig rig;
    rig.services.policy = std::make_shared<auth::Policy>(with_keys());
    std::string sizes;
    for (const char* user : {"alice", "eve"}) {
        starts(rig, "SCRAM-SHA-256", "n,,n=" + std::string(user) + ",r=abc");
        const std::string challenge = data_of(rig);
        CHECK(challenge.starts_with("r=abc"));
        sizes += std::to_string(challenge.size()) + " ";
        CHECK(rig.is_in_auth_exchange());
        rig.sends(auth(next, "SCRAM-SHA-256", final_message(challenge)));
        CHECK(rig.takes() == "CONNACK bad_user_name_or_password");
        CHECK(rig.is_closing());
    }
    CHECK(sizes.substr(0, sizes.size() / 2) == sizes.substr(sizes.size() / 2));
    CHECK(rig.services.counters.login_failures == 2);
}

TEST_CASE("SCRAM: malformed messages are refused and are no guesses; the first may come in a step of its own") {
    Rig rig;
    rig.services.policy = std::make_shared<auth::Policy>(with_keys());
    starts(rig, "SCRAM-SHA-256", "p=tls-unique,,n=alice,r=abc");
    CHECK(rig.takes() == "CONNACK not_authorized");
    starts(rig, "SCRAM-SHA-256");
    CHECK(rig.takes() == "AUTH continue_authentication");
    rig.sends(auth(next, "SCRAM-SHA-256", "n,,n=alice,r=abc"));
    CHECK(data_of(rig).starts_with("r=abc"));
    rig.sends(auth(next, "SCRAM-SHA-256"));
    CHECK(rig.takes() == "CONNACK not_authorized");
    CHECK(rig.services.counters.login_failures == 0);
}

TEST_CASE("SCRAM: guesses block the address; the users may change within the exchange") {
    Rig rig;
    rig.services.policy = std::make_shared<auth::Policy>(with_keys());
    rig.services.guard.set_limits({.failures_max = 1});
    starts(rig, "SCRAM-SHA-256", "n,,n=alice,r=abc");
    rig.sends(auth(next, "SCRAM-SHA-256", final_message(data_of(rig))));
    rig.takes();
    starts(rig, "SCRAM-SHA-256", "n,,n=alice,r=abc");
    CHECK(rig.takes() == "CONNACK connection_rate_exceeded");
    rig.passes(61s);
    starts(rig, "SCRAM-SHA-256", "n,,n=alice,r=abc");
    const std::string challenge = data_of(rig);
    rig.services.policy = std::make_shared<auth::Policy>();
    rig.sends(auth(next, "SCRAM-SHA-256", final_message(challenge)));
    CHECK(rig.takes() == "CONNACK not_authorized");
}

TEST_CASE("before CONNACK no packet of the exchange may be larger than CONNECT") {
    Rig rig;
    rig.listener.limits.connect_packet_max_bytes = 100;
    starts(rig, "ANONYMOUS");
    CHECK(rig.takes() == "AUTH continue_authentication");
    rig.sends(auth(next, "ANONYMOUS", std::string(200, 'x')));
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
}

}  // namespace
}  // namespace ledge::session
