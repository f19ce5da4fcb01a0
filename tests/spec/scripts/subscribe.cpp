// SUBSCRIBE and SUBACK, UNSUBSCRIBE and UNSUBACK.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v3 [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7] v5 [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] SUBACK carries "
    "the packet id") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects();
        for (const std::uint16_t id : PacketIds{1, 2, 256, 65'535})
            s.client("meter").sends(subscribe(id, {"a"})).gets(suback(id, {0}));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.9.3-1] [MQTT-3.9.3-2] "
    "v5 [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] one SUBACK, one code per filter, in "
    "order") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects();
        s.client("meter").sends(subscribe(9, {{"a", qos2}, {"b", qos0}, {"c/+", qos1}, {"d/#", qos2}}));
        s.client("meter").gets(suback(9, {2, 0, 1, 2}));
        s.client("lamp").connects();
        for (const char* topic : {"a", "b", "c/x", "d/x/y"}) s.client("lamp").publishes(topic, "x");
        for (const char* topic : {"a", "b", "c/x", "d/x/y"}) s.client("meter").gets(publish(topic, "x"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.8.4-4] v5 [MQTT-3.8.4-5] one filter twice in a SUBSCRIBE is two subscriptions after each other") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects().publishes(publish("a", "x").retained());
        s.client("meter").connects().sends(subscribe(9, {{"a", qos0}, {"a", qos1}})).gets(suback(9, {0, 1}));
        for (int times = 0; times < 2; ++times) s.client("meter").gets(publish("a", "x").retained());
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.8.4-5] [MQTT-3.9.3-2] v5 [MQTT-3.8.4-7] a filter that is refused does not spoil the others") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_levels_max = 3; });
        s.client("meter").connects().sends(subscribe(9, {{"a", qos1}, {"1/2/3/4", qos1}, {"c", qos1}}));
        const auto failed =
            version == v5 ? static_cast<std::uint8_t>(ReasonCode::topic_filter_invalid) : std::uint8_t{0x80};
        s.client("meter").gets(suback(9, {1, failed, 1}));
        s.client("lamp").connects().publishes("a", "1").publishes("c", "2");
        s.client("meter").gets(publish("a", "1")).gets(publish("c", "2"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.8.3-2] v5 wildcards are refused where they are not available, and CONNACK says so") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) {
            options.listeners[0].limits.wildcard_subscriptions_available = false;
        });
        s.client("meter").connects();
        if (version == v5) s.client("meter").gets(connack().with(Id::wildcard_subscription_available, 0));
        s.client("meter").sends(subscribe(1, {"a/+", "#", "a"}));
        const auto refused = static_cast<std::uint8_t>(ReasonCode::wildcard_subscriptions_not_supported);
        const auto failed = version == v5 ? refused : std::uint8_t{0x80};
        s.client("meter").gets(suback(1, {failed, failed, 0}));
        s.client("lamp").connects().publishes("a/b", "1").publishes("a", "2");
        s.client("meter").gets(publish("a", "2"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.8.4-3] v5 [MQTT-3.8.4-3] an identical filter replaces the subscription: one copy, the new QoS") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects();
        s.client("meter").connects().subscribes("a/+", qos2).subscribes("a/+", qos0);
        s.client("lamp").publishes("a/b", "1", qos2);
        s.client("meter").gets(publish("a/b", "1")).subscribes("a/+", qos1);
        s.client("lamp").publishes("a/b", "2", qos2);
        s.client("meter").gets(publish("a/b", "2").qos1(1)).acknowledges(1).unsubscribes("a/+");
        s.client("lamp").publishes("a/b", "3", qos2);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.5-1] v5 [MQTT-3.3.4-2] overlapping subscriptions: one copy with the highest QoS") {
    for (const auto version : every_version) {
        for (const auto published : every_qos) {
            Script s(version);
            s.client("meter").connects().acknowledges_automatically();
            s.client("meter")
                .subscribes("a/b", qos0)
                .subscribes("a/+", qos2)
                .subscribes("#", qos1)
                .subscribes("+/b", qos0);
            s.client("lamp").connects().publishes("a/b", "1", published);
            s.client("meter").gets(publish("a/b", "1").qos(published));
            s.client("lamp").publishes("b/b", "2", published);
            s.client("meter").gets(publish("b/b", "2").qos(std::min(published, qos1)));
            s.nothing_else();
        }
    }
}

SPEC("v5 [MQTT-3.3.4-3] [MQTT-3.3.4-4] the copy carries the identifiers of all matching subscriptions") {
    Script s;
    s.client("meter")
        .connects()
        .subscribes("a/b", qos0, 1)
        .subscribes("a/+", qos1, 268'435'455)
        .subscribes("#", qos2, 7);
    s.client("meter").subscribes("+/b", qos0).subscribes("b/+", qos0, 9);
    s.client("lamp").connects().publishes("a/b", "1", qos1);
    const auto id = Id::subscription_identifier;
    s.client("meter").gets(publish("a/b", "1").qos1(1).any_properties());
    const Packet got = s.client("meter").last();
    std::set<std::uint32_t> ids;
    for (const auto& value : got.properties) {
        CHECK(value.id == id);
        ids.insert(value.number);
    }
    CHECK(got.properties.size() == 3);
    CHECK(ids == std::set<std::uint32_t>{1, 7, 268'435'455});
    s.client("lamp").publishes("b/x", "2");
    s.client("meter").gets_in_any_order({publish("b/x", "2").any_properties()});
    CHECK(s.client("meter").last().properties.size() == 2);
    s.nothing_else();
}

SPEC("v5 a subscription identifier is replaced, or dropped, with its subscription") {
    Script s;
    s.client("lamp").connects();
    s.client("meter").connects().subscribes("a", qos0, 5);
    s.client("lamp").publishes("a", "1");
    s.client("meter").gets(publish("a", "1").with(Id::subscription_identifier, 5)).subscribes("a", qos0, 6);
    s.client("lamp").publishes("a", "2");
    s.client("meter").gets(publish("a", "2").with(Id::subscription_identifier, 6)).subscribes("a");
    s.client("lamp").publishes("a", "3");
    s.client("meter").gets(publish("a", "3"));
    s.nothing_else();
}

SPEC("v5 subscription identifiers survive with the session and come with waiting messages") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos1, 5).subscribes("b", qos1).loses_connection();
    s.client("lamp").connects().publishes("a", "1", qos1).publishes("b", "2", qos1);
    s.client("meter").connects(resume).gets(connack().session_present());
    s.client("meter")
        .gets(publish("a", "1").qos1(1).with(Id::subscription_identifier, 5))
        .gets(publish("b", "2").qos1(2));
    s.nothing_else();
}

SPEC("v5 subscription identifiers of others are not passed on") {
    Script s;
    s.client("one").connects().subscribes("a", qos0, 5);
    s.client("two").connects().subscribes("a", qos0, 6);
    s.client("three").connects().subscribes("a", qos0);
    s.client("lamp").connects().publishes("a", "1");
    s.client("one").gets(publish("a", "1").with(Id::subscription_identifier, 5));
    s.client("two").gets(publish("a", "1").with(Id::subscription_identifier, 6));
    s.client("three").gets(publish("a", "1"));
    s.nothing_else();
}

SPEC("v5 a subscription identifier of 0, or two of them, is a protocol error") {
    Script s;
    const std::string filter = text("a") + bytes({0});
    s.client("meter").connects().sends_raw(frame(0x82, bytes({0, 1, 2, 0x0B, 0}) + filter));
    s.client("meter").is_disconnected(ReasonCode::protocol_error);
    s.client("meter").connects().sends_raw(frame(0x82, bytes({0, 1, 4, 0x0B, 1, 0x0B, 2}) + filter));
    s.client("meter").is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.4-6] a subscription identifier in a client's PUBLISH is a protocol error") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().sends(publish("a", "1").with(Id::subscription_identifier, 1));
    s.client("lamp").is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.8.3-3] no local: a client's own messages do not come back to it") {
    Script s;
    s.client("lamp").connects().subscribes({Filter("a", qos1).no_local(), Filter("b", qos1)});
    s.client("meter").connects().subscribes("a", qos1);
    s.client("lamp")
        .publishes("a", "1", qos1)
        .publishes("b", "2", qos1)
        .gets(publish("b", "2").qos1(1))
        .acknowledges(1);
    s.client("meter").gets(publish("a", "1").qos1(1)).publishes("a", "3", qos1).gets(publish("a", "3").qos1(2));
    s.client("lamp").gets(publish("a", "3").qos1(2));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.8.3-3] no local means the client id, also after a reconnection") {
    Script s;
    s.client("lamp").connects(resume).subscribes({Filter("a", qos1).no_local()}).loses_connection();
    s.client("lamp").connects(resume).gets(connack().session_present()).publishes("a", "1", qos1);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.8.3-3] overlapping subscriptions: one without no local brings the own message, at its QoS") {
    Script s;
    s.client("lamp").connects().subscribes({Filter("a/+", qos2).no_local()}, 1).subscribes({Filter("a/b", qos1)}, 2);
    s.client("lamp").publishes("a/b", "1", qos2);
    s.client("lamp").gets(publish("a/b", "1").qos1(1).with(Id::subscription_identifier, 2));
    s.nothing_else();
}

SPEC(
    "v3 [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.6.1-1] v5 [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.6.1-1] "
    "SUBSCRIBE, UNSUBSCRIBE and PUBREL have the flags 0010") {
    for (const auto version : standard_versions) {
        for (const auto& packet : {subscribe(1, {"a"}), unsubscribe(1, {"a"}), pubrel(1)}) {
            for (int flags = 0; flags < 16; ++flags) {
                if (flags == 2) continue;
                Script s(version);
                std::string wrong = encode(packet, version);
                wrong[0] = static_cast<char>((static_cast<unsigned char>(wrong[0]) & 0xF0) | flags);
                s.client("meter").connects().sends_raw(wrong).is_disconnected(ReasonCode::malformed_packet);
                s.nothing_else();
            }
        }
    }
}

SPEC(
    "v3 [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2] v5 [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2] filters are "
    "UTF-8 without U+0000") {
    for (const auto version : every_version) {
        for (const std::string& wrong :
             {std::string("\xff"), std::string("a/\xc3"), bytes({'a', 0}), std::string("\xed\xa0\x80")}) {
            Script s(version);
            s.client("one")
                .connects()
                .sends(subscribe(1, {Filter(wrong)}))
                .is_disconnected(ReasonCode::malformed_packet);
            s.client("two")
                .connects()
                .sends(unsubscribe(1, {Filter(wrong)}))
                .is_disconnected(ReasonCode::malformed_packet);
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-3.8.3-3] [MQTT-3.10.3-2] v5 [MQTT-3.8.3-2] [MQTT-3.10.3-2] at least one filter") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("one").connects().sends(subscribe(1, {})).is_disconnected(ReasonCode::protocol_error);
        s.client("two").connects().sends(unsubscribe(1, {})).is_disconnected(ReasonCode::protocol_error);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.8.3-4] v5 [MQTT-3.8.3-5] reserved bits of the subscription options are malformed, so is QoS 3") {
    for (const auto version : standard_versions) {
        const std::string properties = version == v5 ? bytes({0}) : std::string();
        for (const int options : {0x03, 0x40, 0x80, 0xC0, 0x13}) {
            Script s(version);
            s.client("meter").connects().sends_raw(
                frame(0x82, bytes({0, 1}) + properties + text("a") + bytes({options})));
            s.client("meter").takes_all();
            s.client("meter").is_closed();
        }
    }
    for (const int options : {0x04, 0x08, 0x10}) {  // bits that MQTT 5 has given a meaning
        Script s(v311);
        s.client("meter").connects().sends_raw(frame(0x82, bytes({0, 1}) + text("a") + bytes({options}))).is_closed();
    }
}

SPEC("v5 retain handling 3 is a protocol error") {
    Script s;
    s.client("meter").connects().sends(subscribe(1, {Filter("a").handling(3)}));
    s.client("meter").is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC(
    "v3 [MQTT-3.10.4-4] [MQTT-3.10.4-5] v5 [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] UNSUBACK carries the packet "
    "id, also if nothing was subscribed") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("meter").sends(unsubscribe(700, {"a"})).gets(unsuback(700, {0}));
        s.client("meter").sends(unsubscribe(701, {"a"})).gets(unsuback(701, {0x11}));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.10.4-6] v5 [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] one UNSUBACK, in MQTT 5 with a code per "
    "filter in order") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes({"a", "b", "c"});
        s.client("meter").sends(unsubscribe(7, {"x", "a", "c", "a"})).gets(unsuback(7, {0x11, 0, 0, 0x11}));
        s.client("lamp").connects();
        for (const char* topic : {"a", "b", "c"}) s.client("lamp").publishes(topic, "1");
        s.client("meter").gets(publish("b", "1"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.10.4-1] v5 [MQTT-3.10.4-1] UNSUBSCRIBE compares filters character by character") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes({"a/+", "a/b", "A", "#"});
        s.client("meter").sends(unsubscribe(1, {"a/#", "a", "+/b", "a/c", "a/+/"}));
        s.client("meter").gets(unsuback(1, {0x11, 0x11, 0x11, 0x11, 0x11})).unsubscribes("#").unsubscribes("a/+");
        s.client("lamp").connects().publishes("a/b", "1").publishes("a/c", "2").publishes("A", "3");
        s.client("meter").gets(publish("a/b", "1")).gets(publish("A", "3"));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.10.4-2] v5 [MQTT-3.10.4-2] nothing new is added after UNSUBSCRIBE; what another subscription matches "
    "still comes") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes({{"a/+", qos1}, {"a/b", qos2}}).unsubscribes("a/+");
        s.client("lamp").connects().publishes("a/c", "1", qos1).publishes("a/b", "2", qos2);
        s.client("meter").gets(publish("a/b", "2").qos2(1)).unsubscribes("a/b").disconnects();
        s.client("lamp").publishes("a/b", "3", qos2);
        s.client("meter").connects().gets(connack());
        s.nothing_else();
    }
}

SPEC("v5 properties of SUBSCRIBE and UNSUBSCRIBE that do not belong there are malformed") {
    for (const auto id : {Id::message_expiry_interval, Id::topic_alias, Id::session_expiry_interval}) {
        Script s;
        s.client("one").connects().sends(subscribe(1, {"a"}).with(id, 1)).is_disconnected(ReasonCode::malformed_packet);
        s.client("two")
            .connects()
            .sends(unsubscribe(1, {"a"}).with(id, 1))
            .is_disconnected(ReasonCode::malformed_packet);
        s.client("three").connects().sends(subscribe(1, {"a"}).user("k", "v")).gets(suback(1, {0}));
        s.client("three").sends(unsubscribe(1, {"a"}).user("k", "v")).gets(unsuback(1, {0}));
        s.nothing_else();
    }
}

SPEC("no more subscriptions than allowed: 0x97, SUBACK 0x80") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.subscriptions_max = 2; });
        const auto failed = version == v5 ? static_cast<std::uint8_t>(ReasonCode::quota_exceeded) : std::uint8_t{0x80};
        s.client("meter").connects().sends(subscribe(1, {"a", "b", "c"})).gets(suback(1, {0, 0, failed}));
        s.client("meter").subscribes("a", qos1).unsubscribes("b").subscribes("c");
        s.client("lamp").connects().publishes("b", "1").publishes("c", "2");
        s.client("meter").gets(publish("c", "2"));
        s.nothing_else();
    }
}

}  // namespace ledge::spec
