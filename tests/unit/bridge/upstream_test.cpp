#include "ledge/bridge/upstream.hpp"

#include <doctest/doctest.h>

namespace ledge::bridge {
namespace {

using wire::QoS;
using wire::Version;
using Dialect = Upstream::Dialect;

constexpr Dialect mqtt5{Version::v5, false};
constexpr Dialect mqtt311{Version::v3_1_1, false};
constexpr Dialect mqtt311_bit{Version::v3_1_1, true};

UpstreamOptions of_kind(UpstreamKind kind) {
    UpstreamOptions options;
    options.kind = kind;
    return options;
}

TEST_CASE("rule 1: code 1 leads to the older protocol, and what has worked is remembered") {
    Upstream upstream({});
    CHECK(upstream.dialect() == mqtt5);
    CHECK(upstream.on_version_refused());
    CHECK(upstream.dialect() == mqtt311);
    upstream.on_connack();
    CHECK(upstream.dialect() == mqtt311);
    CHECK_FALSE(upstream.on_silent_close(1ms));  // the dialect is proven; the close has another cause
    CHECK(upstream.dialect() == mqtt311);
}

TEST_CASE("rule 1: a close without a byte within a second of CONNECT counts like code 1, a later one does not") {
    Upstream upstream({});
    CHECK_FALSE(upstream.on_silent_close(2s));
    CHECK(upstream.dialect() == mqtt5);
    CHECK(upstream.on_silent_close(20ms));
    CHECK(upstream.dialect() == mqtt311);
    CHECK(upstream.on_silent_close(20ms));  // a limit of connections, perhaps: start again from the top
    CHECK(upstream.dialect() == mqtt5);
}

TEST_CASE("rule 1: the bridge bit is used only where it is configured, and is given up when refused") {
    UpstreamOptions options;
    options.uses_bridge_bit = true;
    Upstream upstream(options);
    upstream.on_version_refused();
    CHECK(upstream.dialect() == mqtt311_bit);
    upstream.on_version_refused();
    CHECK(upstream.dialect() == mqtt311);
    options.kind = UpstreamKind::nats;  // known to refuse the bit, and to know no MQTT 5
    CHECK(Upstream(options).dialect() == mqtt311);
    options.kind = UpstreamKind::aedes;
    CHECK(Upstream(options).dialect() == mqtt311_bit);
}

TEST_CASE("a configured protocol is the only one") {
    UpstreamOptions options;
    options.protocol = ProtocolChoice::v5;
    Upstream upstream(options);
    CHECK_FALSE(upstream.on_version_refused());
    CHECK(upstream.dialect() == mqtt5);
    options.protocol = ProtocolChoice::v3_1_1;
    CHECK(Upstream(options).dialect() == mqtt311);
    options = of_kind(UpstreamKind::rabbitmq);  // 3.13 speaks MQTT 5: the operator may say so
    options.protocol = ProtocolChoice::v5;
    CHECK(Upstream(options).dialect() == mqtt5);
}

TEST_CASE("rule 7: a PUBACK for QoS 2 lowers the QoS, and RabbitMQ is recognised") {
    UpstreamOptions options;
    options.maximum_qos = QoS::exactly_once;
    Upstream upstream(options);
    CHECK(upstream.maximum_qos() == QoS::exactly_once);
    CHECK(upstream.on_puback_for_qos2());
    CHECK(upstream.maximum_qos() == QoS::at_least_once);
    CHECK_FALSE(upstream.on_puback_for_qos2());
    CHECK(upstream.kind() == UpstreamKind::rabbitmq);
    CHECK(upstream.is_recognised());
    CHECK_FALSE(upstream.profile().sends_retained_for_wildcards);
}

TEST_CASE("rule 7: a close right after the first QoS 2 PUBLISH lowers the QoS for the next connection") {
    UpstreamOptions options;
    options.maximum_qos = QoS::exactly_once;
    Upstream upstream(options);
    upstream.on_version_refused();
    upstream.on_connack();
    CHECK(upstream.on_close_after_qos2());
    CHECK(upstream.maximum_qos() == QoS::at_least_once);
    CHECK(upstream.kind() == UpstreamKind::nats);
    CHECK(upstream.profile().filters_max == 63);
}

TEST_CASE("an upstream of MQTT 5 tells its Maximum QoS, so an unknown one is believed") {
    Upstream upstream({});
    CHECK(upstream.maximum_qos() == QoS::exactly_once);
    upstream.on_version_refused();
    CHECK(upstream.maximum_qos() == QoS::at_least_once);
}

TEST_CASE("rule 7: an upstream that is known to do QoS 2 keeps it when a connection breaks") {
    Upstream upstream(of_kind(UpstreamKind::mosquitto));
    CHECK_FALSE(upstream.on_close_after_qos2());
    CHECK(upstream.maximum_qos() == QoS::exactly_once);
}

TEST_CASE("a lowered grant lowers the QoS of messages too") {
    Upstream upstream(of_kind(UpstreamKind::mosquitto));
    CHECK_FALSE(upstream.on_granted(QoS::exactly_once, QoS::exactly_once));
    CHECK_FALSE(upstream.on_granted(QoS::at_least_once, QoS::at_most_once));
    CHECK(upstream.maximum_qos() == QoS::exactly_once);
    CHECK(upstream.on_granted(QoS::exactly_once, QoS::at_least_once));
    CHECK(upstream.maximum_qos() == QoS::at_least_once);
}

TEST_CASE("rule 13: names of topics tell the kind, unless the kind is configured") {
    Upstream upstream({});
    upstream.on_strange_topic("ActiveMQ/Advisory/Consumer/Topic/#");
    CHECK(upstream.kind() == UpstreamKind::activemq);
    CHECK_FALSE(upstream.profile().tells_session_present);
    upstream.on_strange_topic("a/+/b");
    CHECK(upstream.kind() == UpstreamKind::activemq);  // the first evidence counts
    Upstream other({});
    other.on_strange_topic("a/+/b");
    CHECK(other.kind() == UpstreamKind::rabbitmq);
    Upstream fixed(of_kind(UpstreamKind::emqx));
    fixed.on_strange_topic("a/+/b");
    CHECK(fixed.kind() == UpstreamKind::emqx);
    CHECK_FALSE(fixed.is_recognised());
}

TEST_CASE("rule 15: no-local of MQTT 5 and the bridge bit of some brokers suppress the echo") {
    CHECK(Upstream({}).suppresses_echo());
    CHECK_FALSE(Upstream(of_kind(UpstreamKind::rabbitmq)).suppresses_echo());
    UpstreamOptions options = of_kind(UpstreamKind::aedes);
    CHECK_FALSE(Upstream(options).suppresses_echo());
    options.uses_bridge_bit = true;
    CHECK(Upstream(options).suppresses_echo());
}

TEST_CASE("rule 23: three quick ends without a cause mean that the client id is in use elsewhere") {
    Upstream upstream({});
    CHECK_FALSE(upstream.on_end(1s, false));
    CHECK_FALSE(upstream.on_end(2s, false));
    CHECK(upstream.on_end(3s, false));
    CHECK_FALSE(upstream.on_end(1min, false));
    CHECK_FALSE(upstream.on_end(1s, false));
    CHECK_FALSE(upstream.on_end(1s, true));  // an unanswered packet may be the cause
    CHECK_FALSE(upstream.on_end(1s, false));
}

}  // namespace
}  // namespace ledge::bridge
