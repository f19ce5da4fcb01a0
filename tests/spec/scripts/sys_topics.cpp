// $SYS: what the broker says about itself, and that nobody else says it.
#include "spec.hpp"

#include "ledge/broker/options.hpp"

namespace ledge::spec {

namespace {

void with_sys(broker::ShardOptions& options) {
    options.sys_interval = 10s;
    options.server_version = "LedgeMQ spec";
}

std::map<std::string, std::string> values(Client& client) {
    std::map<std::string, std::string> out;
    for (const auto& packet : client.takes_all()) out[packet.topic] = packet.payload;
    return out;
}

}  // namespace

SPEC("$SYS topics are published in the interval, under the names that users know") {
    for (const auto version : every_version) {
        Script s(version, with_sys);
        s.client("meter").connects().subscribes("$SYS/#");
        s.passes(21s);
        const auto found = values(s.client("meter"));
        for (const char* topic :
             {"$SYS/broker/version", "$SYS/broker/uptime", "$SYS/broker/clients/connected", "$SYS/broker/clients/total",
              "$SYS/broker/messages/received", "$SYS/broker/messages/sent", "$SYS/broker/subscriptions/count",
              "$SYS/broker/retained messages/count", "$SYS/broker/bytes/received", "$SYS/broker/bytes/sent"}) {
            CAPTURE(topic);
            CHECK(found.contains(topic));
        }
        CHECK(found.at("$SYS/broker/version") == "LedgeMQ spec");
        CHECK(found.at("$SYS/broker/clients/connected") == "1");
    }
}

SPEC("$SYS values are retained: a new subscriber does not wait for the interval") {
    Script s(v311, with_sys);
    s.client("lamp").connects();
    s.passes(11s);
    s.client("meter")
        .connects()
        .subscribes("$SYS/broker/version")
        .gets(publish("$SYS/broker/version", "LedgeMQ spec").retained());
}

SPEC("$SYS can be switched off") {
    Script s;
    s.client("meter").connects().subscribes("$SYS/#");
    s.passes(1h);
    s.nothing_else();
}

SPEC("v3 [MQTT-4.7.2-1] v5 [MQTT-4.7.2-1] # does not bring $SYS") {
    for (const auto version : every_version) {
        Script s(version, with_sys);
        s.client("meter").connects().subscribes("#").subscribes("+/broker/version");
        s.passes(1min);
        s.client("late").connects().subscribes("#");
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.5-2] clients cannot write $SYS: QoS 0 is dropped, above it v5 is told 0x87, 3.x is acknowledged") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("$SYS/#");
        s.client("lamp").connects().publishes(publish("$SYS/broker/version", "mine").retained());
        s.client("lamp")
            .sends(publish("$SYS/broker/version", "mine").qos1(1))
            .gets(puback(1, ReasonCode::not_authorized));
        s.client("lamp")
            .sends(publish("$SYS/broker/version", "mine").qos2(2))
            .gets(pubrec(2, ReasonCode::not_authorized));
        s.client("lamp").pings();
        s.client("late").connects().subscribes("$SYS/broker/version");
        s.nothing_else();
    }
}

}  // namespace ledge::spec
