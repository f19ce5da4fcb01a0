// The client against a gateway over a bad line, in virtual time: lost, doubled, reordered packets and resets.
#include <algorithm>

#include "ledge/base/rng.hpp"
#include "model_gateway.hpp"

using fwclient::Device;
using fwclient::Event;
using fwclient::ModelGateway;
using fwclient::Packet;

namespace {

const std::vector<fwb_topic> two_topics = {FWB_PUB("up"), FWB_SUB("down", 2)};
const std::uint8_t will_message[] = {'g', 'o', 'n', 'e'};
const fwb_will will = {"will", will_message, 4, FWB_QOS1};

// With the configuration of Device: 4 unanswered requests until a gateway counts as lost, then a CONNECT, at the
// latest after the longest pause, then the will, one REGISTER and one SUBSCRIBE, and the message itself.
constexpr std::uint32_t recovery_ms = 4 * 1250 + 10'000 + 1000;

enum class Fate { arrives, is_lost, is_doubled };

struct Weather {
    unsigned lost_percent = 0;
    unsigned doubled_percent = 0;
    unsigned delay_max_ms = 0;
    bool is_reordering = false;
};

class World {
public:
    explicit World(std::uint64_t seed) : device(two_topics, static_cast<std::uint16_t>(seed)), rng_(seed) {
        device.config.will = &will;
        device.start(static_cast<std::uint16_t>(seed));
        device.open();
    }

    /// Runs for some time, or until `is_over` says so; returns whether it did.
    template <class IsOver>
    bool run(std::uint32_t ms, IsOver is_over) {
        for (std::uint32_t step = 0; step < ms; step += 10) {
            if (is_over()) return true;
            collect();
            deliver();
            collect();
            device.pass(10);
            gateway.poll(device.now);
        }
        return is_over();
    }
    void run(std::uint32_t ms) {
        run(ms, [] { return false; });
    }

    /// On a good line, a message is delivered in the time that the timers promise.
    void works_again() {
        weather = {};
        fates.clear();
        if (device.client.phase == 0) device.publish(0, FWB_QOS1, "works");
        device.take_events();
        const bool is_delivered = run(recovery_ms, [&] {
            return std::count(device.events.begin(), device.events.end(), Event{FWB_DELIVERED, 0}) > 0;
        });
        REQUIRE_MESSAGE(is_delivered, "stuck in state ", static_cast<int>(device.client.state));
    }

    Device device;
    ModelGateway gateway;
    Weather weather;
    std::vector<Fate> fates;  // of the first packets, in either direction; then the weather decides

private:
    struct Flying {
        std::uint32_t due_ms;
        bool is_to_device;
        Packet packet;
    };

    void collect() {
        for (const Packet& packet : std::exchange(device.sent_packets, {})) launch(packet, false);
        for (const Packet& packet : std::exchange(gateway.sent, {})) launch(packet, true);
    }

    void launch(const Packet& packet, bool is_to_device) {
        Fate fate = Fate::arrives;
        if (launched_ < fates.size()) {
            fate = fates[launched_++];
        } else if (rng_.below(100) < weather.lost_percent) {
            fate = Fate::is_lost;
        } else if (rng_.below(100) < weather.doubled_percent) {
            fate = Fate::is_doubled;
        }
        for (int copy = 0; copy < (fate == Fate::is_lost ? 0 : fate == Fate::is_doubled ? 2 : 1); ++copy) {
            std::uint32_t due_ms = device.now + static_cast<std::uint32_t>(rng_.below(weather.delay_max_ms + 1));
            if (!weather.is_reordering && !flying_.empty()) due_ms = device.now + weather.delay_max_ms;
            flying_.push_back({due_ms, is_to_device, packet});
        }
    }

    void deliver() {
        std::vector<Flying> arrived;
        std::vector<Flying> rest;
        for (Flying& one : flying_) {
            (static_cast<std::int32_t>(device.now - one.due_ms) >= 0 ? arrived : rest).push_back(one);
        }
        flying_ = rest;
        if (weather.is_reordering) {
            for (std::size_t i = arrived.size(); i > 1; --i) std::swap(arrived[i - 1], arrived[rng_.below(i)]);
        }
        for (const Flying& one : arrived) {
            if (one.is_to_device) {
                device.input(one.packet);
            } else {
                gateway.input(one.packet, device.now);
            }
        }
    }

    ledge::Rng rng_;
    std::vector<Flying> flying_;
    std::size_t launched_ = 0;
};

/// Each of the numbers 0 .. count-1 is there, in the order of their first appearance.
void has_all(const std::vector<std::string>& texts, int count, bool is_exactly_once) {
    std::vector<int> first;
    std::set<std::string> seen;
    for (const std::string& text : texts) {
        if (text == "works") continue;
        if (seen.insert(text).second) {
            first.push_back(std::stoi(text));
        } else {
            REQUIRE_MESSAGE(!is_exactly_once, "twice: ", text);
        }
    }
    REQUIRE(first.size() == static_cast<std::size_t>(count));
    REQUIRE(std::is_sorted(first.begin(), first.end()));
}

std::vector<std::string> texts_of(const std::vector<fwclient::Received>& messages) {
    std::vector<std::string> texts;
    for (const fwclient::Received& message : messages) texts.push_back(message.data);
    return texts;
}

/// Sends `count` messages each way; `disturb` is called before each of the device's.
template <class Disturb>
void exchange(World& world, std::uint8_t qos, int count, Disturb disturb) {
    for (int i = 0; i < count; ++i) {
        disturb();
        world.gateway.send(std::to_string(i), qos);
        const bool has_room = world.run(600'000, [&] {
            return world.device.publish(0, static_cast<std::uint8_t>(qos << 5U), std::to_string(i)) == FWB_OK;
        });
        REQUIRE(has_room);
    }
    REQUIRE(world.run(600'000, [&] { return world.device.client.phase == 0 && world.gateway.is_done(); }));
    world.works_again();
    has_all(world.gateway.accepted, count, qos == 2);
    has_all(texts_of(world.device.messages), count, qos == 2);
}

}  // namespace

TEST_CASE("bad line: QoS 1 arrives at least once and QoS 2 exactly once, both ways, with losses and doubles") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
            CAPTURE(seed);
            World world(seed);
            world.weather = {static_cast<unsigned>(seed % 4 * 10), static_cast<unsigned>(seed % 3 * 10), 40, false};
            exchange(world, qos, 30, [] {});
        }
    }
}

TEST_CASE("bad line: the gateway restarts again and again, and nothing is lost or doubled") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        for (const std::uint8_t qos : {std::uint8_t{1}, std::uint8_t{2}}) {
            CAPTURE(seed);
            World world(seed);
            ledge::Rng rng(seed);
            world.weather = {static_cast<unsigned>(seed % 2 * 10), 5, 20, false};
            exchange(world, qos, 30, [&] {
                world.run(static_cast<std::uint32_t>(rng.below(50)));
                if (rng.one_in(3)) world.gateway.restart();
            });
        }
    }
}

TEST_CASE("bad line: reordered packets cost time, never a QoS 1 message") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        World world(seed);
        world.weather = {5, 20, 1500, true};
        for (int i = 0; i < 20; ++i) {
            REQUIRE(world.run(600'000, [&] { return world.device.publish(0, FWB_QOS1, std::to_string(i)) == FWB_OK; }));
        }
        REQUIRE(world.run(600'000, [&] { return world.device.client.phase == 0; }));
        world.works_again();
        std::set<std::string> accepted(world.gateway.accepted.begin(), world.gateway.accepted.end());
        for (int i = 0; i < 20; ++i) REQUIRE(accepted.count(std::to_string(i)) == 1);
    }
}

TEST_CASE("bad line: every pattern of lost and doubled packets at the start ends in a working connection") {
    constexpr std::size_t length = 9;
    int patterns = 1;
    for (std::size_t i = 0; i < length; ++i) patterns *= 3;
    for (int pattern = 0; pattern < patterns; ++pattern) {
        CAPTURE(pattern);
        World world(1);
        int rest = pattern;
        for (std::size_t i = 0; i < length; ++i, rest /= 3) world.fates.push_back(static_cast<Fate>(rest % 3));
        REQUIRE(world.device.publish(0, FWB_QOS2, "0") == FWB_OK);
        world.gateway.send("0", 2);
        // In the worst case the answer to each of the packets is lost, with growing pauses between them.
        REQUIRE(world.run(120'000, [&] { return world.device.client.phase == 0 && world.gateway.is_done(); }));
        world.works_again();
        has_all(world.gateway.accepted, 1, true);
        has_all(texts_of(world.device.messages), 1, true);
    }
}

TEST_CASE("bad line: a gateway that restarts before any packet is found again within the time of the timers") {
    for (int moment = 0; moment < 400; moment += 10) {
        CAPTURE(moment);
        World world(2);
        world.device.publish(0, FWB_QOS2, "0");
        world.gateway.send("0", 2);
        world.weather.delay_max_ms = 30;
        world.run(static_cast<std::uint32_t>(moment));
        world.gateway.restart();
        REQUIRE(world.run(recovery_ms, [&] { return world.device.client.phase == 0 && world.gateway.is_done(); }));
        has_all(world.gateway.accepted, 1, true);
        has_all(texts_of(world.device.messages), 1, true);
    }
}

TEST_CASE("bad line: a device that is reset at any moment is connected again, and sends with new message ids") {
    for (int moment = 0; moment < 400; moment += 10) {
        CAPTURE(moment);
        World world(3);
        world.device.publish(0, FWB_QOS2, "before");
        world.weather.delay_max_ms = 30;
        world.run(static_cast<std::uint32_t>(moment));
        world.device.start(40'000);
        world.device.open();
        REQUIRE(world.device.publish(0, FWB_QOS2, "after") == FWB_OK);
        REQUIRE(world.run(recovery_ms, [&] { return world.device.client.phase == 0; }));
        CHECK(std::count(world.gateway.accepted.begin(), world.gateway.accepted.end(), "after") == 1);
    }
}

TEST_CASE("bad line: with one device and a stable connection, a restart costs one round trip") {
    World world(4);
    world.run(60'000);
    REQUIRE(world.device.take_events() == std::vector<Event>{{FWB_READY, 0}});
    world.gateway.restart();
    world.device.publish(0, FWB_QOS1, "0");
    // PUBLISH, DISCONNECT, CONNECT, the will, REGISTER, SUBSCRIBE, PUBLISH, PUBACK: no timer between them.
    CHECK(world.run(200, [&] { return world.device.client.phase == 0; }));
}

TEST_CASE("bad line: a sleeper gets all its mail, whatever is lost, and sleeps again") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        World world(seed);
        int naps = 0;
        world.device.when_told = [&](Event event) {
            if (event.first == FWB_READY) fwb_sleep(&world.device.client, 60, world.device.now);
            if (event.first == FWB_ASLEEP) ++naps;
        };
        world.run(60'000, [&] { return naps > 0; });
        world.weather = {static_cast<unsigned>(seed % 4 * 10), 10, 20, false};
        for (int i = 0; i < 20; ++i) {
            if (i == 10) world.gateway.restart();
            world.gateway.send(std::to_string(i), 2);
            world.run(10'000);
        }
        world.weather = {};
        REQUIRE(world.run(300'000, [&] { return world.gateway.is_done() && world.device.client.state == 6; }));
        has_all(texts_of(world.device.messages), 20, true);
    }
}

TEST_CASE("sleep: waking to one message takes two round trips and one PINGRESP, and no timer") {
    World world(5);
    world.run(1000);
    fwb_sleep(&world.device.client, 60, world.device.now);
    REQUIRE(world.run(1000, [&] { return world.device.client.state == 6; }));
    world.gateway.send("0", 1);
    fwb_check_mail(&world.device.client, world.device.now);
    CHECK(world.run(100, [&] { return world.device.messages.size() == 1 && world.device.client.state == 6; }));
    CHECK(world.gateway.ping_answers == 1);
}
