// Bounds that are the broker's own: connections, queues, peers that never read.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC("no more connections than the listener allows; one that ends makes room") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].connections_max = 2; });
    s.client("one").connects();
    s.client("two").connects();
    s.client("full").opens(v5).sends_raw(encode_connect(v5, "full", {})).is_refused(ReasonCode::quota_exceeded);
    s.client("two").loses_connection();
    s.client("three").connects();
    s.nothing_else();
}

SPEC("connections that have not sent CONNECT keep nobody out") {
    Script s(v5, [](broker::ShardOptions& options) {
        options.listeners[0].connections_max = 1;
        options.listeners[0].arrivals_max = 1;
    });
    s.client("one").opens(v5);
    s.client("two").opens(v5);
    s.client("three").connects();
    s.client("one").is_closed();
    s.passes(11s);
    s.client("two").is_closed();
    s.nothing_else();
}

SPEC("listeners have rules of their own") {
    Script s(v5, [](broker::ShardOptions& options) {
        options.listeners.push_back(options.listeners[0]);
        options.listeners[1].name = "strict";
        options.listeners[1].allow_anonymous = false;
        options.listeners[1].limits.receive_maximum = 5;
    });
    s.client("main").connects().gets(connack());
    s.client("strict").opens(v5, 1).sends_raw(encode_connect(v5, "strict", {})).is_refused(ReasonCode::not_authorized);
    s.nothing_else();
}

SPEC("the bytes of a queue are bounded as well as its messages") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.queue_bytes_max = 10'000; });
    s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects();
    for (int at = 0; at < 50; ++at) s.client("lamp").publishes("a", repeat('x', 1000), qos1);
    s.client("meter").acknowledges_automatically().connects(resume);
    const std::size_t kept = s.client("meter").takes_all().size();
    CHECK(kept >= 5);
    CHECK(kept <= 10);
    s.nothing_else();
}

SPEC("QoS 0 is kept for absent sessions only where that is wanted") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.queue_qos0_offline = true; });
        s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
        s.client("lamp").connects().publishes("a", "0").publishes("a", "1", qos1).publishes("a", "2");
        s.client("meter").connects(resume).gets(connack().session_present());
        std::string by_qos[2];  // order is promised within a QoS only
        for (const auto& packet : s.client("meter").takes_all())
            by_qos[static_cast<std::size_t>(packet.qos_level)] += packet.payload;
        CHECK(by_qos[0] == "02");
        CHECK(by_qos[1] == "1");
        s.nothing_else();
    }
}

SPEC("a peer that sends and never reads is closed when its unread answers pass the bound") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) {
            options.listeners[0].limits.outbox_bytes_max = 1000;
            options.listeners[0].limits.outbox_bytes_fatal = 4000;
        });
        s.client("watch").connects().subscribes("will");
        s.client("meter").connects({.will = WillMessage{.topic = "will", .payload = "gone"}}).pings().stops_reading();
        std::string pings;
        for (int at = 0; at < 3000; ++at) pings += encode(pingreq(), version);
        s.client("meter").sends_raw(pings).reads_again();
        const std::size_t answers = s.client("meter").takes_all().size();
        CHECK(answers < 3000);
        s.client("meter").is_closed();
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("a slow reader does not delay the others") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("slow").connects().subscribes("a", qos1).pings().stops_reading();
        s.client("quick").connects().subscribes("a", qos1).acknowledges_automatically();
        s.client("lamp").connects();
        for (int at = 0; at < 300; ++at) {
            s.client("lamp").publishes("a", repeat('x', 10'000), qos1);
            s.client("quick").gets(publish("a", repeat('x', 10'000)).qos(qos1));
        }
        s.client("slow").loses_connection();
        s.nothing_else();
    }
}

SPEC("a session whose reader has been slow gets everything that fits its queue once it reads") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.outbox_bytes_max = 20'000; });
        s.client("slow").connects().subscribes("a", qos2).pings().acknowledges_automatically().stops_reading();
        s.client("lamp").connects();
        for (int at = 0; at < 200; ++at)
            s.client("lamp").publishes("a", std::to_string(at) + repeat(' ', 1000), at % 2 == 0 ? qos1 : qos2);
        s.client("slow").reads_again();
        for (int at = 0; at < 200; ++at)
            s.client("slow").gets(publish("a", std::to_string(at) + repeat(' ', 1000)).qos(at % 2 == 0 ? qos1 : qos2));
        s.nothing_else();
    }
}

}  // namespace ledge::spec
