#include "rig.hpp"

namespace ledge::client {
namespace {

Options with_method() {
    Options options = lasting();
    options.authentication_method = "SCRAM";
    options.authentication_data = "first";
    return options;
}

PropertyBuilder method(std::string_view name, std::string_view data = "") {
    PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, name);
    if (!data.empty()) properties.text(PropertyId::authentication_data, data);
    return properties;
}

wire::Auth auth(ReasonCode code, const PropertyBuilder& properties) { return {code, properties.view()}; }

TEST_CASE("[MQTT-4.12.0-3] the exchange of AUTH packets before CONNACK") {
    Rig rig(with_method());
    rig.client.connect(true, rig.now);
    const auto connect = wire::decode_connect(rig.client.output());
    CHECK(*connect->properties.text(PropertyId::authentication_method) == "SCRAM");
    CHECK(*connect->properties.text(PropertyId::authentication_data) == "first");
    rig.sent();
    CHECK_FALSE(rig.client.send_auth("unasked"));
    const PropertyBuilder challenge = method("SCRAM", "nonce");
    CHECK(rig.gets(auth(ReasonCode::continue_authentication, challenge)) == "auth continue_authentication nonce");
    CHECK(rig.client.send_auth("proof"));
    CHECK_FALSE(rig.client.send_auth("once more"));
    CHECK(rig.sent() == "AUTH continue_authentication proof");
    const PropertyBuilder verified = method("SCRAM", "signature");
    wire::Connack connack;
    connack.properties = verified.view();
    CHECK(rig.gets(connack) == "connected");
}

TEST_CASE("[MQTT-4.12.1-1] re-authentication on a connection") {
    Rig rig(with_method());
    rig.connects();
    CHECK(rig.client.reauthenticate("again"));
    CHECK_FALSE(rig.client.reauthenticate("twice"));
    CHECK(rig.sent() == "AUTH reauthenticate again");
    const PropertyBuilder plain = method("SCRAM");
    CHECK(rig.gets(auth(ReasonCode::continue_authentication, plain)) == "auth continue_authentication ");
    CHECK(rig.client.send_auth("proof"));
    CHECK(rig.gets(auth(ReasonCode::success, plain)) == "auth success ");
    CHECK(rig.client.reauthenticate("later"));
}

TEST_CASE("3.1.1 has no AUTH, whatever the options say") {
    Options options = with_method();
    options.version = v311;
    Rig rig(options);
    rig.connects();
    CHECK_FALSE(rig.client.reauthenticate("x"));
}

TEST_CASE("[MQTT-4.12.0-7] without a method there is no AUTH") {
    Rig rig;
    rig.connects();
    CHECK_FALSE(rig.client.reauthenticate("x"));
    CHECK_FALSE(rig.client.send_auth("x"));
}

}  // namespace
}  // namespace ledge::client
