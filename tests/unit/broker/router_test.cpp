// From a publication to what each session gets of it.
#include "router.hpp"

#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("overlapping subscriptions: one copy, the highest QoS, all identifiers [MQTT-3.3.4-2] [MQTT-3.3.4-4]") {
    Rig rig;
    rig["s"].connects();
    rig["s"]
        .subscribes("a/b", {qos0}, 3)
        .subscribes("a/+", {qos2}, 4)
        .subscribes("a/#", qos1)
        .subscribes("#", {qos0}, 5);
    rig["o"].connects().subscribes("a/+", {qos1}, 8);
    rig["p"].connects();
    CHECK(rig["p"].publishes("a/b", "x", qos2) == "success");
    const std::string got = rig["s"].takes();
    CHECK(got.starts_with("PUBLISH a/b x q2#1 {0b="));
    for (const char* id : {"0b=3", "0b=4", "0b=5"}) CHECK(got.find(id) != std::string::npos);
    CHECK(got.find('|') == std::string::npos);
    CHECK(rig["o"].takes() == "PUBLISH a/b x q1#1 {0b=8}");
    rig["p"].publishes("a/c", "y", qos1);
    const std::string fewer = rig["s"].takes();
    CHECK(fewer.starts_with("PUBLISH a/c y q1#2 {"));
    CHECK(fewer.find("0b=3") == std::string::npos);
}

TEST_CASE("[MQTT-3.8.4-8] the QoS is the lower of publication and subscription") {
    for (const QoS published : {qos0, qos1, qos2}) {
        for (const QoS granted : {qos0, qos1, qos2}) {
            Rig rig;
            rig["s"].connects().subscribes("t", granted);
            rig["p"].connects().publishes("t", "x", published);
            const QoS expected = std::min(published, granted);
            const std::string q = expected == qos0 ? "" : " q" + std::to_string(static_cast<int>(expected)) + "#1";
            CHECK(rig["s"].takes() == "PUBLISH t x" + q);
        }
    }
}

TEST_CASE("[MQTT-3.8.3-3] no local keeps a client's own messages from it, for that subscription") {
    Rig rig;
    Client& s = rig["s"].connects();
    s.subscribes("t", {qos0, true});
    rig["o"].connects().subscribes("t", {qos0, true});
    s.publishes("t", "mine");
    CHECK(s.takes().empty());
    CHECK(rig["o"].takes() == "PUBLISH t mine");
    rig["o"].publishes("t", "yours");
    CHECK(s.takes() == "PUBLISH t yours");
    s.subscribes("+", {qos0, false}, 7);
    s.publishes("t", "again");
    CHECK(s.takes() == "PUBLISH t again {0b=7}");
}

TEST_CASE("[MQTT-3.3.1-12] [MQTT-3.3.1-13] RETAIN is 0 on the way to an old subscription, unless retain as published") {
    Rig rig;
    rig["s"].connects().subscribes("t", qos0);
    rig["r"].connects().subscribes("t", {qos0, false, true});
    rig["both"].connects().subscribes("t", qos0).subscribes("+", {qos0, false, true});
    rig["p"].connects().publishes("t", "1", qos0, true);
    rig["p"].publishes("t", "2");
    CHECK(rig["s"].takes() == "PUBLISH t 1 | PUBLISH t 2");
    CHECK(rig["r"].takes() == "PUBLISH t 1 retain | PUBLISH t 2");
    CHECK(rig["both"].takes() == "PUBLISH t 1 retain | PUBLISH t 2");
}

TEST_CASE("nobody listens: 0x10 for v5, success for 3.x") {
    Rig rig;
    rig["p"].connects();
    CHECK(rig["p"].publishes("t", "x", qos1) == "no_matching_subscribers");
    CHECK(rig["p"].publishes("t", "x", qos2) == "no_matching_subscribers");
    rig["old"].connects({.version = v311});
    CHECK(rig["old"].publishes("t", "x", qos1) == "success");
}

TEST_CASE("the order of one publisher's messages is kept for every receiver and QoS [MQTT-4.6.0-5] [MQTT-4.6.0-6]") {
    session::SessionLimits limits;
    limits.inflight_max = 3;
    Rig rig(limits);
    rig["s"].connects({.receive_maximum = 2}).acknowledges().subscribes("t", qos2);
    rig["p"].connects();
    for (int i = 0; i < 30; ++i) {
        for (const QoS qos : {qos0, qos1, qos2}) rig["p"].publishes("t", std::to_string(i), qos);
    }
    int next[3] = {0, 0, 0};
    for (const std::string& packet : rig["s"].waiting()) {
        if (!packet.starts_with("PUBLISH")) continue;
        const std::size_t qos = packet.find(" q1") != std::string::npos   ? 1
                                : packet.find(" q2") != std::string::npos ? 2
                                                                          : 0;
        CHECK(packet.starts_with("PUBLISH t " + std::to_string(next[qos])));
        ++next[qos];
    }
    for (const int count : next) CHECK(count == 30);
}

TEST_CASE("properties reach v5 receivers unaltered and in order, 3.x ones without") {
    Rig rig;
    rig["s"].connects().subscribes("t");
    rig["alias"].connects({.alias_max = 5}).subscribes("t");
    rig["old"].connects({.version = v311}).subscribes("t");
    wire::PropertyBuilder properties;
    properties.user("z", "1")
        .text(PropertyId::response_topic, "r")
        .user("a", "2")
        .text(PropertyId::correlation_data, "c");
    properties.number(PropertyId::payload_format_indicator, 1).number(PropertyId::message_expiry_interval, 60);
    rig["p"].connects().publishes("t", "x", qos0, false, properties);
    CHECK(rig["s"].takes() == "PUBLISH t x {26=z:1 08=r 26=a:2 09=c 01=1 02=60}");
    CHECK(rig["alias"].takes() == "PUBLISH t x {26=z:1 08=r 26=a:2 09=c 01=1 02=60}");
    CHECK(rig["old"].takes() == "PUBLISH t x");
}

}  // namespace
}  // namespace ledge::broker
