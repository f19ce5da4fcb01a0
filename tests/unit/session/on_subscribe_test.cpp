// SUBSCRIBE, UNSUBSCRIBE and DISCONNECT, as far as the connection judges them.
#include "rig.hpp"

#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {
namespace {

std::string disconnect(ReasonCode code, std::optional<std::uint32_t> expiry = {}) {
    wire::PropertyBuilder properties;
    if (expiry) properties.number(PropertyId::session_expiry_interval, *expiry);
    return encoded(wire::Disconnect{code, properties.view()}, Version::v5);
}

wire::Connect with_will() {
    wire::Connect wish = connect_v5();
    wish.will = wire::Will{"w", {}, qos0, false, {}};
    return wish;
}

TEST_CASE("SUBSCRIBE and UNSUBSCRIBE are handed to the broker, undecodable ones are not") {
    Rig rig;
    rig.connects();
    rig.sends(std::string("\x82\x07\x00\x01\x00\x00\x01"
                          "a\x01",
                          9) +
              std::string("\xA2\x06\x00\x02\x00\x00\x01"
                          "a",
                          8));
    CHECK(rig.asked == "3 | 4");
    rig.sends(std::string("\x82\x03\x00\x01\x00", 5));  // no entry [MQTT-3.8.3-2]
    CHECK(rig.takes() == "DISCONNECT protocol_error");
    CHECK(rig.asked == "3 | 4");
}

TEST_CASE("[MQTT-3.14.4-3] DISCONNECT takes the will away, unless it says otherwise or is wrong") {
    Rig rig;
    rig.connects(with_will());
    CHECK(rig.connection->is_will_due());
    rig.sends(disconnect(ReasonCode::success));
    CHECK_FALSE(rig.connection->is_will_due());
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
    for (const ReasonCode code : {ReasonCode::disconnect_with_will, ReasonCode::unspecified_error}) {
        rig.connects(with_will());
        rig.sends(disconnect(code));
        CHECK(rig.connection->is_will_due());
    }
    rig.connects(with_will());
    rig.sends(std::string("\xE0\x02\x10\x00", 4));  // a code DISCONNECT does not have
    CHECK(rig.connection->is_will_due());
    rig.connects();
    CHECK_FALSE(rig.connection->is_will_due());
}

TEST_CASE("DISCONNECT may change the session expiry, but not raise it from 0 (5.0 section 3.14.2.2.2)") {
    Rig rig;
    rig.listener.limits.session_expiry_max_s = 1000;
    rig.connects();
    rig.session->expiry_interval_s = 10;
    rig.sends(disconnect(ReasonCode::success, 500));
    CHECK(rig.session->expiry_interval_s == 500);
    rig.connects();
    rig.session->expiry_interval_s = 10;
    rig.sends(disconnect(ReasonCode::success, 5000));
    CHECK(rig.session->expiry_interval_s == 1000);
    rig.connects();
    rig.session->expiry_interval_s = 10;
    rig.sends(disconnect(ReasonCode::success, 0));
    CHECK(rig.session->expiry_interval_s == 0);
    rig.connects();
    rig.sends(disconnect(ReasonCode::success, 0));
    CHECK(rig.takes().empty());
    rig.connects(with_will());
    rig.sends(disconnect(ReasonCode::success, 1));
    CHECK(rig.takes() == "DISCONNECT protocol_error");
    CHECK(rig.connection->is_will_due());
}

}  // namespace
}  // namespace ledge::session
