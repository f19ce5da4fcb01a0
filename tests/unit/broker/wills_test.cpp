// Wills: when they are published, and when they are not (5.0 section 3.1.2.5 and 3.1.3.2).
#include "rig.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::broker {
namespace {

struct WillRig : Rig {
    WillRig() { (*this)["w"].connects().subscribes("will", qos2); }

    Wish wish(std::uint32_t expiry, std::optional<std::uint32_t> delay, bool clean = false) {
        properties.clear();
        if (delay) properties.number(PropertyId::will_delay_interval, *delay);
        return {.clean = clean,
                .expiry = expiry,
                .will = wire::Will{"will", as_bytes("gone"), qos1, false, properties.view()}};
    }
    std::string seen() { return (*this)["w"].takes(); }

    wire::PropertyBuilder properties;
};

TEST_CASE("[MQTT-3.1.2-8] a connection that is lost publishes the will, DISCONNECT 0x00 does not, 0x04 does") {
    WillRig rig;
    rig["c"].connects(rig.wish(0, {})).loses_connection();
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    rig["c"].connects(rig.wish(100, {})).loses_connection();
    CHECK(rig.seen() == "PUBLISH will gone q1#2");
    rig["c"].connects(rig.wish(100, {})).disconnects();
    CHECK(rig.seen().empty());
    rig["c"].connects(rig.wish(0, {})).disconnects(ReasonCode::disconnect_with_will);
    CHECK(rig.seen() == "PUBLISH will gone q1#3");
    rig["c"].connects().loses_connection();
    CHECK(rig.seen().empty());
    CHECK(rig.counters().wills_published == 3);
}

TEST_CASE("a protocol error and a keep alive that passed are reasons for the will too") {
    WillRig rig;
    rig["c"].connects(rig.wish(0, {})).sends(std::string("\xD0\x00", 2));
    CHECK(rig["c"].takes() == "DISCONNECT protocol_error");
    CHECK(rig.seen() == "PUBLISH will gone q1#1");
    Wish wish = rig.wish(100, {});
    wish.keep_alive = 10;
    rig["c"].connects(wish);
    rig.passes(14s);
    CHECK(rig.seen().empty());
    rig.passes(2s);
    CHECK(rig.seen() == "PUBLISH will gone q1#2");
    CHECK(rig["c"].takes() == "DISCONNECT keep_alive_timeout");
}

// delay and expiry in seconds; `after`: when the will is published, -1: never, as the client is back by then.
struct Case {
    std::uint32_t delay, expiry;
    int back_at;  // -1: not at all
    bool clean;
    int after;
};

TEST_CASE(
    "[MQTT-3.1.3-9] the will comes after its delay or with the session's end, unless the session is resumed before") {
    static constexpr Case cases[] = {
        {0, 0, -1, false, 0},    {0, 100, -1, false, 0},  {10, 100, -1, false, 10}, {10, 5, -1, false, 5},
        {10, 0, -1, false, 0},   {10, 100, 5, false, -1}, {10, 100, 5, true, 5},    {10, 100, 20, false, 10},
        {100, 50, 20, true, 20}, {0, 100, 5, false, 0},   {100, 50, -1, false, 50},
    };
    for (const Case& c : cases) {
        CAPTURE(c.delay);
        CAPTURE(c.expiry);
        CAPTURE(c.back_at);
        WillRig rig;
        rig["c"].connects(rig.wish(c.expiry, c.delay)).loses_connection();
        int seen_at = -1;
        for (int second = 0; second <= 120; ++second) {
            if (second > 0) rig.passes(1s);
            if (second == c.back_at) rig["c"].connects({.clean = c.clean, .expiry = 1000});
            if (!rig.seen().empty()) {
                CHECK(seen_at == -1);
                seen_at = second;
            }
        }
        CHECK(seen_at == c.after);
    }
}

TEST_CASE("takeover: no delay publishes at once, a delay waits for nobody when the session goes on or is cleaned") {
    for (const auto& [delay, clean, expected] : {std::tuple{0U, false, true}, {10U, false, false}, {10U, true, true}}) {
        WillRig rig;
        rig["c"].connects(rig.wish(100, delay));
        session::Connection* second = rig.shard->open({0, "192.0.2.2:2"}, nullptr, rig.now);
        wire::Connect connect;
        connect.version = v5;
        connect.client_id = "c";
        connect.clean_start = clean;
        std::vector<Byte> bytes(wire::encoded_size(connect));
        wire::Writer writer(bytes);
        wire::encode(connect, writer);
        rig.shard->on_bytes(*second, bytes, rig.now);
        rig.shard->on_closed(*second, rig.now);
        rig.settle();
        CHECK(rig.seen() == (expected ? "PUBLISH will gone q1#1" : ""));
        rig.passes(200s);
        CHECK(rig.seen().empty());
    }
}

TEST_CASE("a new connection brings a new will or none; a DISCONNECT while the delay runs is of another connection") {
    WillRig rig;
    rig["c"].connects(rig.wish(1000, 10)).loses_connection();
    rig.passes(5s);
    rig["c"].connects({.clean = false, .expiry = 1000}).loses_connection();
    rig.passes(100s);
    CHECK(rig.seen().empty());
}

TEST_CASE("QoS, RETAIN and properties of the will; its lifetime starts when it is published") {
    WillRig rig;
    wire::PropertyBuilder properties;
    properties.user("a", "1").number(PropertyId::will_delay_interval, 10).text(PropertyId::content_type, "t");
    properties.number(PropertyId::message_expiry_interval, 30).user("b", "2");
    rig["c"].connects(
        {.clean = false, .expiry = 1000, .will = wire::Will{"will", as_bytes("x"), qos2, true, properties.view()}});
    rig["c"].loses_connection();
    rig.passes(11s);
    CHECK(rig.seen() == "PUBLISH will x q2#1 {26=a:1 03=t 26=b:2 02=30}");
    rig.passes(10s);
    CHECK(rig["late"].connects().subscribes("will").takes() == "PUBLISH will x retain {26=a:1 03=t 26=b:2 02=19}");
}

TEST_CASE("on shutdown clients are told, wills are not published") {
    WillRig rig;
    rig["c"].connects(rig.wish(0, {}));
    rig["d"].connects(rig.wish(100, 5));
    rig["old"].connects({.version = v311});
    rig.shard->open({0, "192.0.2.2:2"}, &rig["waiting"], rig.now);
    rig.shard->shut_down(rig.now);
    while (session::Connection* connection = rig.shard->next_dirty()) CHECK(connection->is_closing());
    CHECK(rig.counters().wills_published == 0);
    CHECK(rig.metrics().clients_connected == 0);
    rig.shard->on_time(rig.now + 10s);
    CHECK(rig.counters().wills_published == 0);
    CHECK(rig.counters().protocol_errors == 0);
}

TEST_CASE("a will nobody may refuse: one full queue does not take it from the others") {
    ShardOptions options = plain_options();
    options.listeners[0].limits.overflow = session::OverflowPolicy::refuse;
    options.listeners[0].limits.queue_messages_max = 1;
    Rig rig(options);
    rig["full"].connects(lasting).subscribes("will", qos1).loses_connection();
    rig["w"].connects().acknowledges().subscribes("will", qos1);
    rig["p"].connects();
    CHECK(rig["p"].publishes("will", "1", qos1) == "success");
    CHECK(rig["p"].publishes("will", "2", qos1) == "quota_exceeded");
    rig["w"].forgets();
    rig["c"].connects({.will = wire::Will{"will", as_bytes("gone"), qos1, false, {}}}).loses_connection();
    CHECK(rig["w"].takes() == "PUBLISH will gone q1#2");
}

}  // namespace
}  // namespace ledge::broker
