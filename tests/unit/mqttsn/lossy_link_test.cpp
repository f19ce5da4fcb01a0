// A device that follows the specification, and the real broker, with the gateway between them and a link that loses,
// doubles and reorders packets. The gateway dies now and then. The claims: QoS 1 arrives at least once, QoS 2 exactly
// once, nothing gets stuck. Everything follows from the seed.
#include <algorithm>
#include <sstream>

#include "model_device.hpp"
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

constexpr std::uint64_t seeds = 200;
constexpr Duration step_time = 20ms;
constexpr int steps_max = 200'000;  // more than an hour

struct LinkPlan {
    unsigned loss_percent = 0;
    unsigned double_percent = 0;
    unsigned delay_steps_max = 0;  // above 0 packets overtake each other
    bool gateway_dies = false;
};

struct UnderWay {
    int due_step;
    std::vector<Byte> packet;
};

class World {
public:
    World(std::uint64_t seed, const ModelDevice::Plan& plan, const LinkPlan& link)
        : rng(seed), plan_(plan), link_(link), rig(options(link)), device(plan, rng) {
        rig.watcher.subscribes("data");
    }

    bool run() {
        for (step_ = 0; step_ < steps_max; ++step_) {
            if (step_ == steps_max / 2) {  // the link heals, and the device stays awake
                link_ = {};
                device.stays_awake();
            }
            one_step();
            if (device.is_done() && has_all(device.got) && has_all(heard)) return true;
        }
        return false;
    }

    Rng rng;

private:
    ModelDevice::Plan plan_;
    LinkPlan link_;

public:
    Rig rig;
    ModelDevice device;
    std::vector<int> heard;  // by the watcher
    int deaths = 0;

private:
    static GatewayOptions options(const LinkPlan& link) {
        GatewayOptions options;
        options.endpoint.retry_interval = 1s;
        options.endpoint.retries_max = 4;
        options.endpoint.link_reorders = link.delay_steps_max > 0;
        options.unknown_per_second = 0;
        return options;
    }

    bool has_all(const std::vector<int>& numbers) const {
        std::vector<bool> is_there(static_cast<std::size_t>(plan_.messages));
        for (const int number : numbers) is_there[static_cast<std::size_t>(number)] = true;
        return std::find(is_there.begin(), is_there.end(), false) == is_there.end();
    }

    void one_step() {
        rig.core.advance(step_time);
        if (step_ >= dead_until_ && link_.gateway_dies && rng.one_in(2000)) {
            ++deaths;
            dead_until_ = step_ + 60;  // longer than packets are under way
            rig.crashes(rng.next());
        }
        if (device.is_subscribed() && published_ < plan_.messages && rng.one_in(20)) {
            const std::string topic = "cmd/" + std::to_string(published_ % 3);
            rig.watcher.publishes(topic, std::to_string(published_++), static_cast<wire::QoS>(plan_.qos));
        }
        if (step_ >= dead_until_ && rig.gateway->next_deadline() <= rig.now()) rig.gateway->on_time(rig.now());
        device.step(rig.now());
        carry();
        std::istringstream words(rig.watcher.heard());  // "data 7 q2 | data 8 q2"
        for (std::string word; words >> word;)
            if (std::isdigit(static_cast<unsigned char>(word.front()))) heard.push_back(std::stoi(word));
    }

    void carry() {
        for (; !device.sent.empty(); device.sent.pop_front()) throw_in(to_gateway_, device.sent.front());
        for (std::vector<Byte>& packet : arrived(to_gateway_))
            if (step_ >= dead_until_) rig.gateway->on_packet(as_bytes("a"), packet, rig.now());
        rig.settle();
        for (; rig.gateway->has_output(); rig.gateway->output_sent()) throw_in(to_device_, rig.gateway->output().bytes);
        for (std::vector<Byte>& packet : arrived(to_device_)) device.on_packet(packet, rig.now());
    }

    void throw_in(std::vector<UnderWay>& way, const std::vector<Byte>& packet) {
        const bool is_double = rng.below(100) < link_.double_percent;
        for (int copy = 0; copy < (is_double ? 2 : 1); ++copy) {
            if (rng.below(100) < link_.loss_percent) continue;
            const int delay = link_.delay_steps_max == 0 ? 0 : static_cast<int>(rng.below(link_.delay_steps_max));
            way.push_back({step_ + delay, packet});
        }
    }

    std::vector<std::vector<Byte>> arrived(std::vector<UnderWay>& way) const {
        std::vector<std::vector<Byte>> packets;
        for (UnderWay& one : way)
            if (one.due_step <= step_) packets.push_back(std::move(one.packet));
        std::erase_if(way, [&](const UnderWay& one) { return one.due_step <= step_; });
        return packets;
    }

    int step_ = 0;
    int dead_until_ = 0;
    int published_ = 0;
    std::vector<UnderWay> to_gateway_;
    std::vector<UnderWay> to_device_;
};

void check_exact(std::vector<int> numbers) {
    std::sort(numbers.begin(), numbers.end());
    CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
}

struct Sum {
    int sleeps = 0;
    int reconnects = 0;
    int deaths = 0;
    std::uint64_t repetitions = 0;
    std::size_t doubles = 0;  // messages of QoS 1 that arrived again
};

Sum run_all(const ModelDevice::Plan& plan, const LinkPlan& link) {
    Sum sum;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        World world(seed, plan, link);
        REQUIRE(world.run());
        if (plan.qos == QoS::exactly_once) {
            check_exact(world.heard);
            check_exact(world.device.got);
        }
        sum.sleeps += world.device.sleeps;
        sum.reconnects += world.device.reconnects;
        sum.deaths += world.deaths;
        sum.repetitions += world.rig.counters().repetitions;
        sum.doubles += world.heard.size() + world.device.got.size() - 2 * static_cast<std::size_t>(plan.messages);
    }
    return sum;
}

constexpr LinkPlan lossy{.loss_percent = 20};
constexpr LinkPlan wild{.loss_percent = 15, .double_percent = 20, .delay_steps_max = 40};
constexpr LinkPlan deadly{.loss_percent = 10, .double_percent = 10, .delay_steps_max = 40, .gateway_dies = true};

TEST_CASE("a good link: everything arrives once, without a repetition") {
    for (const QoS qos : {qos1, qos2}) {
        const Sum sum = run_all({.qos = qos}, {});
        CHECK(sum.repetitions == 0);
        CHECK(sum.reconnects == 0);
        CHECK(sum.doubles == 0);
    }
}

TEST_CASE("QoS 1 arrives at least once over a link that loses, doubles and reorders packets") {
    CHECK(run_all({.qos = qos1}, lossy).repetitions > 0);
    CHECK(run_all({.qos = qos1, .sleeps = true}, lossy).sleeps > 0);
    CHECK(run_all({.qos = qos1}, wild).doubles > 0);
    CHECK(run_all({.qos = qos1, .sleeps = true}, wild).sleeps > 0);
    CHECK(run_all({.qos = qos1, .sleeps = true, .messages = 60}, deadly).deaths > 0);
}

TEST_CASE("QoS 2 arrives exactly once over a link that loses, doubles and reorders packets") {
    CHECK(run_all({.qos = qos2}, lossy).repetitions > 0);
    CHECK(run_all({.qos = qos2, .sleeps = true}, lossy).sleeps > 0);
    CHECK(run_all({.qos = qos2}, wild).repetitions > 0);
    CHECK(run_all({.qos = qos2, .sleeps = true}, wild).sleeps > 0);
    CHECK(run_all({.qos = qos2, .sleeps = true, .messages = 60}, deadly).deaths > 0);
}

}  // namespace
}  // namespace ledge::mqttsn
