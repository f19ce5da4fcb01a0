// Keep alive: one and a half times, measured by what the client sends.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC("v3 [MQTT-3.1.2-24] v5 [MQTT-3.1.2-22] [MQTT-3.2.2-22] silence of one and a half keep alive times closes") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects({.keep_alive = 10s});
        s.passes(14s);
        s.nothing_else();
        s.passes(2s);
        s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-24] v5 [MQTT-3.1.2-22] any packet counts as a sign of life") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects({.keep_alive = 10s});
        for (int round = 0; round < 4; ++round) {
            s.passes(12s);
            s.client("meter").pings();
            s.passes(12s);
            s.client("meter").publishes("a", "1");
            s.passes(12s);
            s.client("meter").subscribes("b");
        }
        s.passes(16s);
        s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
        s.nothing_else();
    }
}

SPEC("what the broker sends is no sign of life of the client") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects({.keep_alive = 10s}).subscribes("a");
        s.client("lamp").connects();
        for (int second = 0; second < 14; ++second) {
            s.passes(1s);
            s.client("lamp").publishes("a", "x");
            s.client("meter").gets(publish("a", "x"));
        }
        s.passes(2s);
        s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
        s.nothing_else();
    }
}

SPEC("keep alive 0 switches it off") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects({.keep_alive = 0s});
        s.passes(24h);
        s.client("meter").pings();
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-24] v5 [MQTT-3.1.2-22] a silent client is treated like a broken network: its will is published") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("will");
        s.client("meter").connects({.keep_alive = 10s, .will = WillMessage{.topic = "will", .payload = "gone"}});
        s.passes(14s);
        s.client("watch").gets_nothing();
        s.passes(2s);
        s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("v5 a keep alive above the limit is lowered, told as Server Keep Alive, and counts") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.max_keep_alive_s = 20; });
    s.client("meter").connects({.keep_alive = 60s}).gets(connack().with(Id::server_keep_alive, 20));
    s.client("never").connects({.keep_alive = 0s}).gets(connack().with(Id::server_keep_alive, 20));
    s.client("good").connects({.keep_alive = 10s}).gets(connack().without(Id::server_keep_alive));
    s.passes(16s);
    s.client("good").is_disconnected(ReasonCode::keep_alive_timeout);
    s.passes(13s);
    s.nothing_else();
    s.passes(2s);
    s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
    s.client("never").is_disconnected(ReasonCode::keep_alive_timeout);
    s.nothing_else();
}

SPEC("a packet that has not fully come is not yet a sign of life") {
    Script s(v311);
    s.client("meter").connects({.keep_alive = 10s});
    s.passes(14s);
    s.client("meter").sends_raw(encode(publish("a", "12345"), v311).substr(0, 4));
    s.passes(2s);
    s.client("meter").is_disconnected(ReasonCode::keep_alive_timeout);
    s.nothing_else();
}

}  // namespace ledge::spec
