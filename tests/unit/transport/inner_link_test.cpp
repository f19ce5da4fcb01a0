// InnerLink with the real shard: a client::Client in the same thread is a client of the core.
#include "ledge/transport/inner_link.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "ledge/client/client.hpp"

namespace ledge::transport {
namespace {

using client::Event;
using wire::QoS;

Instant inner_now{};

broker::ShardOptions shard_options() {
    broker::ShardOptions options;
    session::ListenerOptions listener;
    listener.allow_anonymous = true;
    options.listeners = {listener};
    options.sys_interval = {};
    return options;
}

struct Core {
    Core()
        : poller(std::move(*net::Poller::create())),
          clock([] { return inner_now; }),
          shard(shard_options(), log, 1, inner_now),
          driver(shard, *poller, clock) {}
    ~Core() { driver.close_all(); }

    Log log;
    std::unique_ptr<net::Poller> poller;
    TurnClock clock;
    broker::Shard shard;
    Driver driver;
};

/// A client of the core and its end of the link.
struct Inner {
    explicit Inner(Core& core_, const char* id, const InnerLinkLimits& limits = {}, InnerReadyList* ready = nullptr)
        : core(core_), end(core_.driver, limits, ready), mqtt(options(id)) {}

    static client::Options options(const char* id) {
        client::Options options;
        options.client_id = id;
        options.session_expiry_s = 3600;
        options.limits.held_messages_max = 10'000;
        options.limits.held_bytes_max = 64 * 1024 * 1024;
        return options;
    }

    void opens() {
        REQUIRE(end.open({0, "inner"}));
        mqtt.connect(true, inner_now);
    }
    /// Moves what the client has and reads what has come, unless it is told to stay slow.
    void turn() {
        mqtt.sent(end.write(mqtt.output()), inner_now);
        end.turn();
        if (!is_slow) read();
        if (!end.is_open() && end.readable().empty()) mqtt.closed();
    }
    void read() {
        Bytes input = end.readable();
        const std::size_t size = input.size();
        for (Event event = mqtt.on_bytes(input, inner_now); !client::is_nothing(event);
             event = mqtt.on_bytes(input, inner_now)) {
            note(event);
        }
        end.consume(size);
        if (mqtt.wants_close()) end.finish();
    }
    void note(const Event& event) {
        if (std::holds_alternative<client::RequestDone>(event)) is_subscribed = true;
        if (std::holds_alternative<client::PublishDone>(event)) ++done;
        if (const auto* message = std::get_if<client::Message>(&event)) {
            got.emplace_back(as_text(message->packet.payload));
            if (message->packet.qos != QoS::at_most_once) mqtt.acknowledge(message->packet.packet_id);
        }
        if (const auto* ended = std::get_if<client::Ended>(&event)) end_text = ended->text;
    }
    void publishes(const std::string& payload, QoS qos) {
        wire::Publish packet;
        packet.topic = "a/b";
        packet.payload = as_bytes(payload);
        packet.qos = qos;
        REQUIRE(mqtt.publish(packet).ok());
    }

    Core& core;
    InnerEnd end;
    client::Client mqtt;
    bool is_slow = false;
    bool is_subscribed = false;
    int done = 0;
    std::vector<std::string> got;
    std::string end_text;
};

/// Turns of the loop until nothing moves any more.
void settle(Core& core, std::initializer_list<Inner*> clients) {
    for (int turn = 0; turn < 20; ++turn) {
        core.clock.begin_turn();
        for (Inner* const inner : clients) inner->turn();
        core.driver.flush();
    }
}

void connect_and_subscribe(Core& core, Inner& inner) {
    inner.opens();
    settle(core, {&inner});
    REQUIRE(inner.mqtt.is_connected());
    REQUIRE(inner.mqtt.subscribe({{"a/#", {QoS::exactly_once}}}).ok());
    settle(core, {&inner});
    REQUIRE(inner.is_subscribed);
}

TEST_CASE("a client in the same thread connects, subscribes and publishes at every QoS") {
    Core core;
    Inner meter(core, "meter");
    Inner panel(core, "panel");
    connect_and_subscribe(core, panel);
    meter.opens();
    settle(core, {&meter, &panel});
    meter.publishes("0", QoS::at_most_once);
    meter.publishes("1", QoS::at_least_once);
    meter.publishes("2", QoS::exactly_once);
    settle(core, {&meter, &panel});
    CHECK(panel.got == std::vector<std::string>{"0", "1", "2"});
    CHECK(meter.done == 2);
    CHECK(core.driver.link_count() == 2);
    CHECK_FALSE(meter.end.wants_turn());
    CHECK(core.shard.metrics().clients_connected == 2);
}

TEST_CASE("a client that does not read is slowed down: its queue is bounded, nothing of QoS 1 is lost") {
    Core core;
    InnerLinkLimits limits;
    limits.to_client_bytes_max = 4096;
    Inner meter(core, "meter");
    Inner panel(core, "panel", limits);
    connect_and_subscribe(core, panel);
    meter.opens();
    settle(core, {&meter, &panel});
    panel.is_slow = true;
    const std::string payload(1000, 'x');
    for (int i = 0; i < 90; ++i) meter.publishes(payload, QoS::at_least_once);
    settle(core, {&meter, &panel});
    CHECK(panel.end.readable().size() == 4096);
    CHECK_FALSE(panel.end.wants_turn());  // the loop may sleep until the client reads
    CHECK(panel.got.empty());
    panel.is_slow = false;
    for (int i = 0; i < 10; ++i) settle(core, {&meter, &panel});
    CHECK(panel.got == std::vector<std::string>(90, payload));
    CHECK(meter.done == 90);
}

TEST_CASE("a client that writes faster than the core reads is slowed down too") {
    Core core;
    InnerLinkLimits limits;
    limits.to_core_bytes_max = 100;
    Inner meter(core, "meter", limits);
    meter.opens();
    settle(core, {&meter});
    const std::vector<Byte> nothing_but_pings(1000, 0);
    CHECK(meter.end.write(nothing_but_pings) == 100);
    CHECK(meter.end.write(nothing_but_pings) == 0);
}

TEST_CASE("the client ends: DISCONNECT reaches the core before the connection is over") {
    Core core;
    Inner meter(core, "meter");
    meter.opens();
    settle(core, {&meter});
    meter.mqtt.disconnect();
    settle(core, {&meter});
    CHECK_FALSE(meter.end.is_open());
    CHECK(meter.mqtt.state() == client::Client::State::closed);
    CHECK(core.driver.link_count() == 0);
    CHECK(core.shard.metrics().clients_connected == 0);
    CHECK(meter.end.write(as_bytes("x")) == 0);
    meter.opens();  // once more over the same end
    settle(core, {&meter});
    CHECK(meter.mqtt.is_connected());
}

TEST_CASE("the core ends: its DISCONNECT can be read after the end of the link") {
    Core core;
    Inner meter(core, "meter");
    meter.opens();
    settle(core, {&meter});
    meter.is_slow = true;
    core.shard.shut_down(inner_now);
    settle(core, {&meter});
    CHECK_FALSE(meter.end.is_open());
    CHECK(core.driver.link_count() == 0);
    meter.is_slow = false;
    settle(core, {&meter});
    CHECK(meter.end_text == "server_shutting_down");
    CHECK(meter.mqtt.state() == client::Client::State::closed);
}

TEST_CASE("an end that is destroyed, and a driver that closes everything, leave nothing behind") {
    Core core;
    {
        Inner meter(core, "meter");
        meter.opens();
        settle(core, {&meter});
    }
    core.driver.flush();
    CHECK(core.driver.link_count() == 0);
    Inner panel(core, "panel");
    panel.opens();
    core.driver.close_all();
    CHECK_FALSE(panel.end.is_open());
    CHECK_FALSE(panel.end.wants_turn());
    panel.end.turn();
}

TEST_CASE("an end about which there is news stands once in the list of its owner, and leaves it when it is destroyed") {
    Core core;
    InnerReadyList ready;
    Inner meter(core, "meter");
    {
        Inner panel(core, "panel", {}, &ready);
        Inner idle(core, "idle", {}, &ready);
        connect_and_subscribe(core, panel);
        connect_and_subscribe(core, idle);
        REQUIRE(idle.mqtt.unsubscribe({"a/#"}).ok());
        meter.opens();
        settle(core, {&meter, &panel, &idle});
        ready.clear();
        meter.publishes("1", QoS::at_most_once);
        meter.publishes("2", QoS::at_most_once);
        settle(core, {&meter});
        REQUIRE(ready.size() == 1);
        CHECK(&ready.front() == &panel.end);
        ready.clear();
        // The broker ends the connections: that is news as well.
        core.shard.shut_down(inner_now);
        core.driver.flush();
        CHECK(ready.size() == 2);
    }
    CHECK(ready.empty());
}

TEST_CASE("an end that waits for the core to read, or for its own client, tells when it can go on") {
    Core core;
    InnerReadyList ready;
    Inner panel(core, "panel", {.to_client_bytes_max = 16}, &ready);
    connect_and_subscribe(core, panel);
    Inner meter(core, "meter");
    meter.opens();
    settle(core, {&meter, &panel});
    panel.is_slow = true;
    ready.clear();
    meter.publishes("a message that does not fit into the queue", QoS::at_most_once);
    settle(core, {&meter});
    REQUIRE(ready.size() == 1);
    CHECK(panel.end.readable().size() == 16);
    panel.is_slow = false;
    settle(core, {&panel});
    CHECK(panel.got == std::vector<std::string>{"a message that does not fit into the queue"});
}

TEST_CASE("ByteQueue goes on in its memory, and grows by doubling up to its limit") {
    ByteQueue queue(1000);
    std::string expected;
    std::string got;
    char next = 'a';
    for (int round = 0; round < 300; ++round) {
        const std::string piece(static_cast<std::size_t>(round % 37), next);
        next = next == 'z' ? 'a' : static_cast<char>(next + 1);
        expected += piece.substr(0, queue.push(as_bytes(piece)));
        const std::size_t count = std::min<std::size_t>(queue.size(), static_cast<std::size_t>(round % 31));
        got += as_text(Bytes(queue.front()).first(count));
        queue.pop(count);
    }
    got += as_text(Bytes(queue.front()));
    CHECK(got == expected);
}

TEST_CASE("ByteQueue is bounded and keeps the order") {
    ByteQueue queue(10);
    CHECK(queue.push(as_bytes("0123456")) == 7);
    CHECK(queue.push(as_bytes("789abc")) == 3);
    CHECK(queue.room() == 0);
    queue.pop(6);
    CHECK(queue.push(as_bytes("abcdefgh")) == 6);
    CHECK(as_text(Bytes(queue.front())) == "6789abcdef");
    queue.pop(10);
    CHECK(queue.empty());
}

}  // namespace
}  // namespace ledge::transport
