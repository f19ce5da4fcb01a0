// The rule of src/mqttsn/README.md about messages without a connection.
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

TEST_CASE("rule 9: messages of QoS -1 are off by default") {
    Rig rig = with_predefined();
    rig.watcher.subscribes("#");
    CHECK(rig.says("a",
                   Publish{.qos = mqttsn::QoS::without_connection, .type = TopicIdType::predefined, .topic_id = 9}) ==
          "");
    CHECK(rig.watcher.heard() == "");
    CHECK(rig.counters().connectionless_dropped == 1);
    CHECK(rig.gateway->devices() == 0);
}

TEST_CASE("rule 9: messages of QoS -1 have predefined topics or short names, a session of the gateway, and a rate") {
    GatewayOptions options;
    options.connectionless_client_id = "beacons";
    options.connectionless_per_second = 3;
    Rig rig = with_predefined(options);
    rig.watcher.subscribes("#");
    CHECK(rig.has_session("beacons"));
    const auto beacon = [](TopicIdType type, TopicId id) {
        return Publish{.qos = mqttsn::QoS::without_connection, .type = type, .topic_id = id, .data = as_bytes("21")};
    };
    CHECK(rig.says("a", beacon(TopicIdType::predefined, 9)) == "");
    CHECK(rig.says("a", beacon(TopicIdType::short_name, short_id_of("ab"))) == "");
    CHECK(rig.watcher.heard() == "site/meter 21 | ab 21");
    CHECK(rig.says("a", beacon(TopicIdType::normal, 1)) == "");
    CHECK(rig.says("a", beacon(TopicIdType::predefined, 8)) == "");
    CHECK(rig.watcher.heard() == "");
    for (int i = 0; i < 5; ++i) rig.says("a", beacon(TopicIdType::predefined, 9));
    CHECK(rig.watcher.heard() == "site/meter 21");
    CHECK(rig.counters().connectionless == 3);
    CHECK(rig.says("b", beacon(TopicIdType::predefined, 9)) == "");
    CHECK(rig.watcher.heard() == "site/meter 21");
    CHECK(rig.gateway->devices() == 0);
    // A message above the rate does not open the session that the broker has closed.
    const Watcher other(rig.core, "beacons");
    rig.turn();
    CHECK(rig.says_at_once("a", beacon(TopicIdType::predefined, 9)) == "");
    CHECK_FALSE(rig.gateway->wants_inner(connectionless_device));
    rig.says_at_once("b", beacon(TopicIdType::predefined, 9));
    CHECK(rig.gateway->wants_inner(connectionless_device));
    rig.turn();
    rig.connects("b", "dev1");  // a connected device may do the same
    rig.passes(1s);
    CHECK(rig.says("b", beacon(TopicIdType::predefined, 9)) == "");
    CHECK(rig.watcher.heard() == "site/meter 21");
}

}  // namespace
}  // namespace ledge::mqttsn
