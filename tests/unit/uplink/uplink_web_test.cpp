// A bridge over WebSocket: the real core, real sockets, and an upstream that sends one byte per frame.
#include "rig.hpp"
#include "ws_script.hpp"

namespace ledge::uplink {
namespace {

using client::publish;
using wire::QoS;
using State = Uplink::State;

struct WebRig : Rig {
    explicit WebRig(std::size_t servers = 1) : Rig(servers) {
        for (std::size_t i = 0; i < servers; ++i) {
            upstreams[i].web_path = "/mqtt";
            options.servers[i] = upstreams[i].server();
        }
    }
    FakeUpstream& upstream() { return upstreams.front(); }
};

TEST_CASE("over WebSocket messages pass in both directions") {
    WebRig rig;
    rig.local->subscribes("cmd/#");
    rig.runs();
    CHECK(rig.has_logged("server=ws://127.0.0.1:"));
    rig.local->publishes("plant/a", "1");
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 1; }));
    CHECK(rig.upstream().has("PUBLISH site/plant/a 1 q1"));
    rig.upstream().sends(publish("site/cmd/b", "on", QoS::at_least_once, 7));
    CHECK(rig.until([&] { return rig.upstream().has("PUBACK 7"); }));
    CHECK(rig.local->got == std::vector<std::string>{"cmd/b on"});
}

TEST_CASE("over WebSocket and TLS messages pass in both directions") {
    WebRig rig;
    rig.secures();
    rig.local->subscribes("cmd/#");
    rig.runs();
    CHECK(rig.has_logged("server=wss://127.0.0.1:"));
    const std::string payload(50'000, 'x');
    for (int i = 0; i < 5; ++i) rig.local->publishes("plant/a", payload);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 5; }));
    CHECK(rig.upstream().count("PUBLISH site/plant/a") == 5);
    rig.upstream().sends(publish("site/cmd/b", "on", QoS::at_least_once, 7));
    CHECK(rig.until([&] { return rig.upstream().has("PUBACK 7"); }));
}

TEST_CASE("over WebSocket a bridge without work lets the loop sleep") {
    WebRig rig;
    rig.runs();
    REQUIRE(rig.until([&] { return !rig.uplink->wants_turn(); }));
    for (int i = 0; i < 10; ++i) rig.turn();
    CHECK_FALSE(rig.uplink->wants_turn());
}

TEST_CASE("over WebSocket many large messages pass in both directions, and none is lost") {
    WebRig rig;
    rig.upstream().web_frame_bytes = 50'000;
    rig.local->subscribes("cmd/#");
    rig.runs();
    const std::string payload(40'000, 'x');
    for (int i = 0; i < 20; ++i) rig.local->publishes("plant/a", payload);
    CHECK(rig.until([&] { return rig.uplink->relay().counters().out_done == 20; }));
    CHECK(rig.upstream().count("PUBLISH site/plant/a") == 20);
    for (wire::PacketId id = 1; id <= 20; ++id) {
        rig.upstream().sends(publish("site/cmd/b", payload, QoS::at_least_once, id));
        rig.turn();
    }
    CHECK(rig.until([&] { return rig.local->got.size() == 20; }));
}

TEST_CASE("a stop over WebSocket sends DISCONNECT, then a close frame") {
    WebRig rig;
    rig.runs();
    rig.uplink->stop(rig.driver.now());
    REQUIRE(rig.until_state(State::stopped));
    CHECK(rig.until([&] { return rig.upstream().web_closes == 1; }));
    CHECK(rig.upstream().has("DISCONNECT"));
}

TEST_CASE("a wrong path needs the operator: the pause is minutes, and the log says what to check") {
    WebRig rig;
    rig.upstream().web_answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("bridge_unreachable"));
    CHECK(rig.has_logged("HTTP 404 Not Found; check the path of the url"));
    CHECK(rig.uplink->retry_at() - rig.driver.now() >= 1min);
    CHECK(rig.upstream().received.empty());
    rig.upstream().web_answer.clear();
    rig.passes(2min);
    CHECK(rig.until_relaying());
}

TEST_CASE("the next server takes over from a server without WebSocket") {
    WebRig rig(2);
    rig.upstream().web_answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    rig.passes(1s);
    REQUIRE(rig.until_relaying());
    CHECK(rig.uplink->server() == rig.upstreams[1].server());
}

TEST_CASE("an upstream that ends during the WebSocket request is no older dialect of MQTT") {
    WebRig rig;
    rig.upstream().is_deaf = true;
    rig.starts();
    REQUIRE(rig.until([&] { return rig.upstream().accepted == 1; }));
    rig.upstream().hangs_up();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("no answer to the WebSocket request: "));
    rig.upstream().is_deaf = false;
    rig.passes(1s);
    REQUIRE(rig.until_relaying());
    CHECK(rig.uplink->relay().stage() == bridge::Relay::Stage::relaying);
    CHECK(rig.has_logged("protocol=\"MQTT 5\""));
}

TEST_CASE("an upstream that does not answer the WebSocket request is given up after connect_timeout") {
    WebRig rig;
    rig.upstream().is_deaf = true;
    rig.starts();
    REQUIRE(rig.until([&] { return rig.upstream().accepted == 1; }));
    for (int i = 0; i < 20; ++i) rig.turn();
    CHECK(rig.uplink->state() == State::connecting);
    CHECK_FALSE(rig.uplink->wants_turn());
    rig.passes(rig.options.connect_timeout);
    CHECK(rig.has_logged("has not answered the WebSocket request in time; check the path"));
}

TEST_CASE("a stop during the WebSocket request is complete at once") {
    WebRig rig;
    rig.upstream().is_deaf = true;
    rig.starts();
    REQUIRE(rig.until([&] { return rig.upstream().accepted == 1; }));
    rig.uplink->stop(rig.driver.now());
    CHECK(rig.uplink->state() == State::stopped);
    CHECK(rig.uplink->next_deadline() == never);
}

TEST_CASE("nats at a wrong path answers 101 and speaks its own protocol, which the log names") {
    WebRig rig;
    rig.upstream().greeting = "INFO {\"server_id\":\"N\"}\r\n";
    rig.starts();
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("the server speaks the NATS protocol: use its MQTT port, or the WebSocket path /mqtt"));
}

TEST_CASE("a close frame of the upstream ends the connection like FIN, and its reason is logged") {
    WebRig rig;
    rig.runs();
    rig.upstream().closes_web(1008, "not today");
    REQUIRE(rig.until_state(State::pausing));
    CHECK(rig.has_logged("the upstream has closed the connection: the server has closed the WebSocket with code 1008"));
    CHECK(rig.has_logged("not today"));
}

}  // namespace
}  // namespace ledge::uplink
