// Retained messages that cannot be sent at once: many of them, slow readers, small windows, broken connections.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

constexpr int many = 500;

void retain_many(Script& s, QoS qos) {
    s.client("lamp").connects();
    for (int at = 0; at < many; ++at)
        s.client("lamp").publishes(publish("many/" + std::to_string(at), repeat('x', 200)).qos(qos).retained());
}

}  // namespace

SPEC("v3 [MQTT-3.3.1-6] v5 [MQTT-3.3.1-9] all retained messages come, however small the window and slow the reader") {
    for (const auto version : every_version) {
        for (const auto qos : every_qos) {
            Script s(version, [](broker::ShardOptions& options) {
                options.listeners[0].limits.outbox_bytes_max = 5000;
                options.listeners[0].limits.inflight_max = 7;
                options.listeners[0].limits.queue_messages_max = 20;
            });
            retain_many(s, qos);
            s.client("meter").connects({.receive_maximum = 3}).subscribes("a").acknowledges_automatically();
            s.client("meter").stops_reading().sends(subscribe(9, {{"many/#", qos2}}));
            s.client("meter").reads_again().gets(suback(9, {2}));
            std::set<std::string> topics;
            for (const auto& packet : s.client("meter").takes_all()) {
                CHECK(packet.is_retained);
                topics.insert(packet.topic);
            }
            CHECK(topics.size() == many);
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-3.10.4-2] v5 [MQTT-3.10.4-2] UNSUBSCRIBE ends the flow of retained messages") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.outbox_bytes_max = 5000; });
        retain_many(s, qos0);
        s.client("meter").connects().subscribes("a").stops_reading().sends(subscribe(8, {{"many/#", qos0}}));
        s.client("meter").sends(unsubscribe(9, {"many/#"})).reads_again().gets(suback(8, {0}));
        bool is_unsubscribed = false;
        std::size_t before = 0;
        for (const auto& packet : s.client("meter").takes_all()) {
            if (packet.type == PacketType::unsuback) {
                is_unsubscribed = true;
            } else {
                CHECK(!is_unsubscribed);
                ++before;
            }
        }
        CHECK(is_unsubscribed);
        CHECK(before < many);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.1-6] v5 [MQTT-3.3.1-9] a session that breaks off in the middle gets the rest when it resumes") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.inflight_max = 2; });
        s.client("lamp").connects();
        for (int at = 0; at < 10; ++at)
            s.client("lamp").publishes(publish("k/" + std::to_string(at), "x").qos(qos1).retained());
        s.client("meter").connects(resume).subscribes("k/+", qos1);
        CHECK(s.client("meter").takes_all().size() == 2);
        s.client("meter").loses_connection().acknowledges_automatically().connects(resume);
        std::set<std::string> topics;
        for (const auto& packet : s.client("meter").takes_all()) topics.insert(packet.topic);
        CHECK(topics.size() == 10);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.6.0-6] v5 [MQTT-4.6.0-5] a retained message never comes after a newer message of its topic") {
    for (const auto version : standard_versions) {
        for (const auto qos : {qos0, qos1}) {
            Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.inflight_max = 1; });
            s.client("lamp").connects().publishes(publish("k", "old").qos(qos).retained());
            s.client("meter").connects().subscribes("a", qos1).publishes("a", "x", qos1);
            s.client("meter").gets(publish("a", "x").qos1(1)).subscribes("k", qos1);
            s.client("lamp").publishes(publish("k", "new").qos(qos).retained());
            s.client("meter").acknowledges_automatically().acknowledges(1);
            bool has_new = false;
            for (const auto& packet : s.client("meter").takes_all()) {
                has_new = has_new || packet.payload == "new";
                CHECK((packet.payload == "new" || !has_new));
            }
            CHECK(has_new);
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-3.3.1-9] v5 [MQTT-3.3.1-12] a retained message that waited for an absent session comes without RETAIN") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes("k", qos1).loses_connection();
        s.client("lamp").connects().publishes(publish("k", "x").qos(qos1).retained());
        s.client("meter").connects(resume).gets(connack().session_present(version != v31));
        s.client("meter").gets(publish("k", "x").qos1(1).retained(false)).acknowledges(1);
        s.nothing_else();
    }
}

SPEC("subscribing to the same filter twice while retained messages flow sends each at least once, live ones once") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.outbox_bytes_max = 5000; });
    retain_many(s, qos0);
    s.client("meter").connects().subscribes("a").stops_reading();
    s.client("meter").sends(subscribe(8, {{"many/#", qos0}})).sends(subscribe(9, {{"many/#", qos0}})).reads_again();
    s.client("lamp").publishes("many/live", "x");
    std::map<std::string, int> counts;
    for (const auto& packet : s.client("meter").takes_all())
        if (packet.type == PacketType::publish) ++counts[packet.topic];
    CHECK(counts.size() == many + 1);
    CHECK(counts["many/live"] == 1);
    s.nothing_else();
}

}  // namespace ledge::spec
