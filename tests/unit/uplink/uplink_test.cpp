// The whole uplink: the real core, real sockets, scripted upstreams.
#include "ledge/uplink/uplink.hpp"

#include "rig.hpp"

namespace ledge::uplink {
namespace {

using client::publish;
using wire::QoS;
using State = Uplink::State;

constexpr QoS qos1 = QoS::at_least_once;

TEST_CASE("messages pass in both directions, and each is acknowledged to its sender") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.local->subscribes("cmd/#");
    rig.runs();
    CHECK(upstream.received.front() == "CONNECT gw");
    CHECK(rig.has_logged("bridge_connected"));
    CHECK(rig.has_logged("bridge_running"));

    rig.local->publishes("plant/a", "1");
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 1; }));
    CHECK(upstream.has("PUBLISH site/plant/a 1 q1"));

    upstream.sends(publish("site/cmd/b", "on", qos1, 7));
    CHECK(rig.until([&] { return upstream.has("PUBACK 7"); }));
    CHECK(rig.local->got == std::vector<std::string>{"cmd/b on"});
}

TEST_CASE("a bridge without work lets the loop sleep") {
    Rig rig;
    rig.runs();
    REQUIRE(rig.until([&] { return !rig.uplink->wants_turn(); }));
    for (int i = 0; i < 10; ++i) rig.turn();
    CHECK_FALSE(rig.uplink->wants_turn());
}

TEST_CASE("many large messages pass through the small queues, and none is lost") {
    Rig rig;
    rig.runs();
    const std::string payload(4000, 'x');
    for (int i = 0; i < 100; ++i) rig.local->publishes("plant/a", payload);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 100; }));
    CHECK(rig.upstreams.front().count("PUBLISH site/plant/a") == 100);
}

TEST_CASE("a server that cannot be reached is tried again after a pause") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    upstream.stops_listening();
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("bridge_unreachable"));
    CHECK(rig.uplink->last_problem().find("Connection refused") != std::string::npos);
    upstream.listens();
    rig.passes(1s);
    CHECK(rig.until_relaying());
}

TEST_CASE("after an end of the connection, a message without PUBACK is sent again") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.runs();
    upstream.acknowledges = false;
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return upstream.has("PUBLISH site/plant/a"); }));
    upstream.acknowledges = true;
    SUBCASE("by FIN") { upstream.hangs_up(); }
    SUBCASE("by RST") { upstream.resets(); }
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("the upstream has closed the connection"));
    rig.passes(1s);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 1; }));
    CHECK(upstream.count("PUBLISH site/plant/a") == 2);
}

TEST_CASE("the client's keep alive finds a half-open connection") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.runs();
    upstream.is_deaf = true;
    rig.passes(65s);  // PINGREQ after half of the keep alive, then the time for its answer
    CHECK(upstream.has("PINGREQ"));
    CHECK(rig.has_logged("the upstream does not answer"));
    CHECK(rig.until([&] { return upstream.accepted == 2; }));
}

TEST_CASE("the next server takes over, and the preferred one is used again when it has come back") {
    Rig rig(2);
    FakeUpstream& first = rig.upstreams[0];
    FakeUpstream& second = rig.upstreams[1];
    first.stops_listening();
    rig.options.return_first = 1min;
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.uplink->server() == second.server());
    rig.passes(1s);
    REQUIRE(rig.until_relaying());

    rig.passes(1min);  // the first probe fails, and the next one comes after up to two minutes
    CHECK(rig.uplink->server() == second.server());
    first.listens();
    rig.passes(2min);
    CHECK(rig.until([&] { return rig.uplink->server() == first.server(); }));
    CHECK(rig.until_relaying());
    CHECK(rig.has_logged("bridge_returns"));
    CHECK(second.has("DISCONNECT"));
    CHECK(second.accepted == 1);
}

TEST_CASE("a stop sends DISCONNECT to both sides; a start connects again") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.runs();
    rig.uplink->stop(rig.driver.now());
    REQUIRE(rig.until_state(State::stopped));
    CHECK(rig.until([&] { return upstream.has("DISCONNECT"); }));
    CHECK(rig.until([&] { return rig.shard.metrics().clients_connected == 1; }));  // the local client
    CHECK(rig.uplink->next_deadline() == never);
    rig.uplink->start(rig.driver.now());
    CHECK(rig.until_relaying());
}

TEST_CASE("a stop while the connection is being opened is complete at once") {
    Rig rig;
    rig.starts();
    CHECK(rig.uplink->state() == State::connecting);
    rig.uplink->stop(rig.driver.now());
    CHECK(rig.uplink->state() == State::stopped);
    CHECK(rig.connector.under_way() == 0);
}

TEST_CASE("on demand: connected only while messages pass") {
    Rig rig;
    FakeUpstream& upstream = rig.upstreams.front();
    rig.options.is_on_demand = true;
    rig.options.idle_time = 20s;
    rig.starts();
    rig.passes(10s);
    CHECK(rig.uplink->state() == State::idle);
    CHECK(upstream.accepted == 0);
    rig.uplink->wake(rig.driver.now());
    REQUIRE(rig.until_relaying());
    rig.passes(30s);
    CHECK(rig.until_state(State::idle));
    rig.uplink->wake(rig.driver.now());
    CHECK(rig.until_relaying());
    CHECK(upstream.accepted == 2);
}

TEST_CASE("a server that speaks no MQTT: the reason names what it speaks") {
    Rig rig;
    rig.upstreams.front().greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.uplink->last_problem().find("the server speaks HTTP") != std::string::npos);
}

TEST_CASE("a TLS server whose authority cannot be read is not connected to; the log names the file") {
    Rig rig;
    rig.options.servers.front().is_tls = true;
    rig.options.tls.emplace().ca_file = "/nonexistent/ca.pem";
    rig.starts();
    CHECK(rig.uplink->state() == State::pausing);
    CHECK(rig.has_logged("bridge_tls_problem"));
    CHECK(rig.has_logged("/nonexistent/ca.pem"));
    CHECK(rig.upstreams.front().accepted == 0);
}

TEST_CASE("the text of a server is its URL") {
    CHECK(to_text(Server{"broker.example", 8883, true}) == "mqtts://broker.example:8883");
    CHECK(to_text(Server{"2001:db8::1", 1883, false}) == "mqtt://[2001:db8::1]:1883");
}

}  // namespace
}  // namespace ledge::uplink
