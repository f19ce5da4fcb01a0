// Serial listeners of lines: a pseudo terminal on one side, the real core on the other, and cables that come and go.
#include "ledge/link/line_listeners.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "ledge/broker/session_facts.hpp"
#include "ledge/inner/inner_client.hpp"
#include "rig.hpp"

namespace ledge::link {
namespace {

using Texts = std::vector<std::string>;

const std::string client_id = "$part/lines/meter";

/// A client of the broker that hears all topics.
class Panel final : public runtime::LoopPart {
public:
    explicit Panel(Rig& rig) : client_(*rig.driver, options()) {
        client_.start(rig.clock.now());
        rig.guests.push_back(this);
    }
    void start(Instant) override {}
    void turn(Instant now) override {
        for (;;) {
            const client::Event event = client_.next_event(now);
            if (client::is_nothing(event)) break;
            if (const auto* const message = std::get_if<client::Message>(&event))
                got_.push_back(std::string(message->packet.topic).append(" ").append(as_text(message->packet.payload)));
            if (std::holds_alternative<client::PublishDone>(event)) ++done;
        }
        client_.turn(now);
    }
    bool wants_turn() const override { return client_.wants_turn() || client_.has_input(); }
    void on_time(Instant now) override { client_.on_time(now); }
    Instant next_deadline() const override { return client_.next_deadline(); }
    void stop(Instant now) override { client_.stop(now); }
    bool is_stopped() const override { return client_.is_stopped(); }

    void publishes(std::string_view topic, std::string_view payload, wire::QoS qos = wire::QoS::at_least_once) {
        wire::Publish packet;
        packet.topic = topic;
        packet.payload = as_bytes(payload);
        packet.qos = qos;
        REQUIRE(client_.client().publish(packet).ok());
    }
    /// "TOPIC PAYLOAD" of each message that came since the last call.
    Texts takes() { return std::exchange(got_, {}); }

    int done = 0;  // publications that the broker has acknowledged

private:
    static inner::InnerClientOptions options() {
        inner::InnerClientOptions options;
        options.user = options.client.client_id = "panel";
        options.address = "test";
        options.filters = {{"#", {}}};
        return options;
    }

    inner::InnerClient client_;
    Texts got_;
};

LineListenerOptions line_port(const Line& line) {
    LineListenerOptions options;
    options.name = "meter";
    options.client_id = client_id;
    options.line = {line.path(), 115200, false};
    options.lines.topic = "plant/meter";
    options.lines.command_topic = "cmd/meter";
    return options;
}

/// The broker with one port, to which a device is plugged that has been silent for long enough.
struct Scene {
    explicit Scene(void (*change)(LineListenerOptions&) = nullptr) {
        rig.links.clear();
        rig.line_ports = {line_port(line)};
        if (change != nullptr) change(rig.line_ports.front());
        rig.starts();
        panel.emplace(rig);
        rig.passes(1s);
        CHECK(panel->takes() == Texts{"plant/meter/$state online"});
    }
    ~Scene() { rig.guests.clear(); }

    LineFigures figures() const { return rig.line_listeners->figures().front(); }
    /// The messages at the broker, at least `count` of them.
    Texts hears(std::size_t count) {
        Texts all;
        CHECK(rig.until([&] {
            for (std::string& one : panel->takes()) all.push_back(std::move(one));
            return all.size() >= count;
        }));
        return all;
    }
    /// The bytes that the device gets, as many as are expected; fewer = no more come.
    std::string device_gets(std::size_t count) {
        std::string text;
        rig.until([&] {
            std::array<char, 512> buffer{};
            const ssize_t read = ::read(line.master(), buffer.data(), buffer.size());
            if (read > 0) text.append(buffer.data(), static_cast<std::size_t>(read));
            return text.size() >= count;
        });
        return text;
    }
    void unplugs() {
        line.unplugs();
        REQUIRE(rig.until([&] { return !figures().is_open; }));
        rig.rests();
    }

    Rig rig;
    Line line{rig};
    std::optional<Panel> panel;
};

TEST_CASE("lines of a device are published, and the idle listener lets the loop sleep") {
    Scene scene;
    scene.line.sends_bytes("21.5\r\n21");
    scene.line.sends_bytes(".6\n");
    CHECK(scene.hears(2) == Texts{"plant/meter 21.5", "plant/meter 21.6"});
    scene.rig.rests();
    CHECK(scene.figures().is_open);
    CHECK(scene.figures().opened == 1);
    CHECK(scene.figures().waiting == 0);
    CHECK(scene.figures().lines.publications == 2);
    CHECK(!scene.rig.line_listeners->wants_turn());
    CHECK(scene.rig.has_logged("info serial_port_opened listener=meter port=" + scene.line.path()));
}

TEST_CASE("commands are written one after the other, each with the end of a line") {
    Scene scene;
    scene.panel->publishes("cmd/meter", "on");
    scene.panel->publishes("cmd/meter", "off", wire::QoS::at_most_once);
    CHECK(scene.device_gets(7) == "on\noff\n");
    scene.rig.passes(1s);
    CHECK(scene.figures().lines.commands == 2);
    CHECK(scene.figures().commands_waiting == 0);
    CHECK(!scene.rig.line_listeners->wants_turn());
}

TEST_CASE("without the cable the state is offline and commands wait; with the cable they are written") {
    Scene scene;
    scene.unplugs();
    CHECK(scene.rig.has_logged("warning serial_port_closed listener=meter"));
    CHECK(scene.hears(1) == Texts{"plant/meter/$state offline"});
    scene.panel->publishes("cmd/meter", "on");
    scene.rig.passes(100ms);
    CHECK(scene.panel->takes() == Texts{"cmd/meter on"});
    CHECK(scene.figures().commands_waiting == 1);
    CHECK(!scene.rig.line_listeners->wants_turn());
    scene.line.plugs();
    scene.rig.passes(10s);
    CHECK(scene.panel->takes() == Texts{"plant/meter/$state online"});
    CHECK(scene.device_gets(3) == "on\n");
    CHECK(scene.figures().opened == 2);
}

TEST_CASE("a port that stays away is told once, and tried again with pauses of up to 10 s") {
    Scene scene;
    scene.unplugs();
    scene.rig.lines.clear();
    scene.rig.passes(10min);
    CHECK(scene.rig.lines.size() <= 1);  // the first attempt has another reason than the loss
    scene.line.plugs();
    scene.rig.passes(11s);
    CHECK(scene.figures().is_open);
    CHECK(scene.figures().last_problem.empty());
}

TEST_CASE("losses are logged with their reason, at most once a minute") {
    Scene scene([](LineListenerOptions& options) { options.lines.line_bytes_max = 4; });
    const auto told = [&] {
        return std::ranges::count_if(scene.rig.lines, [](const std::string& line) {
            return line.find("lines_lost listener=meter reason=too_long") != std::string::npos;
        });
    };
    scene.line.sends_bytes("12345\n1234\n");
    CHECK(scene.hears(1) == Texts{"plant/meter 1234"});
    CHECK(told() == 1);
    scene.line.sends_bytes("12345\n12345\n1\n");
    CHECK(scene.hears(1) == Texts{"plant/meter 1"});
    CHECK(told() == 1);
    scene.rig.passes(61s);
    CHECK(told() == 2);
    CHECK(scene.rig.has_logged("reason=too_long count=2"));
    CHECK(scene.figures().lines.of(lines::Loss::too_long) == 3);
}

TEST_CASE("an operator who removes the session gets the listener back, with its state and its commands") {
    Scene scene;
    scene.rig.shard->remove_session(client_id, scene.rig.clock.now());
    scene.rig.rests();  // the listener notices
    scene.rig.passes(3s);
    CHECK(scene.rig.has_logged("warning lines_client_problem listener=meter"));
    const Texts states = scene.panel->takes();
    REQUIRE(!states.empty());
    CHECK(states.back() == "plant/meter/$state online");
    scene.line.sends_bytes("1\n");
    CHECK(scene.hears(1) == Texts{"plant/meter 1"});
    scene.panel->publishes("cmd/meter", "on");
    CHECK(scene.device_gets(3) == "on\n");
}

TEST_CASE("a stop tells the state; after a start with another command topic the old one leads nowhere") {
    Scene scene;
    scene.rig.line_listeners->stop(scene.rig.clock.now());
    CHECK(scene.hears(1) == Texts{"plant/meter/$state offline"});
    CHECK(scene.rig.until([&] { return scene.rig.line_listeners->is_stopped(); }));
    CHECK(scene.rig.line_listeners->next_deadline() == never);
    LineListenerOptions other = line_port(scene.line);
    SUBCASE("another topic") { other.lines.command_topic = "set/meter"; }
    SUBCASE("none") { other.lines.command_topic.clear(); }
    scene.rig.line_listeners = std::make_unique<LineListeners>(
        std::vector{other}, runtime::LoopServices{scene.rig.io, *scene.rig.shard, *scene.rig.driver}, scene.rig.log);
    scene.rig.line_listeners->start(scene.rig.clock.now());
    CHECK(scene.hears(1) == Texts{"plant/meter/$state online"});
    scene.rig.rests();
    Texts filters;
    for (const broker::SubscriptionFacts& one : scene.rig.shard->subscriptions_of(client_id))
        filters.push_back(one.filter);
    CHECK(filters == (other.lines.command_topic.empty() ? Texts{} : Texts{"set/meter"}));
}

}  // namespace
}  // namespace ledge::link
