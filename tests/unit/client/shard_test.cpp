// The client against the real broker::Shard, over connections that break at any byte: QoS 2 arrives exactly once, QoS 1
// at least once, both in order. Everything follows from the seed.
#include <deque>
#include <memory>

#include "ledge/session/limits.hpp"
#include "lossy_line.hpp"
#include "rig.hpp"

namespace ledge::client {
namespace {

constexpr int messages = 60;
constexpr int steps_max = 60'000;
constexpr std::uint64_t seeds = 150;

Options device(const char* id, Version version, Flow flow = Flow::kept) {
    Options options = lasting(version);
    options.client_id = id;
    options.flow = flow;
    options.receive_maximum = 5;
    options.topic_alias_maximum = 3;
    options.limits.inflight_max = 7;
    return options;
}

/// Comes back after every loss of its connection. The first CONNECT starts the session.
class Device {
public:
    Device(Core& core, Options options)
        : line(core, std::move(options), [this](const Event& event) { on_event(event); }) {}
    virtual ~Device() = default;

    void step(Rng& rng, bool may_break) {
        if (!line.is_open()) {
            if (may_break && !rng.one_in(3)) return;
            // The clean session of 3.1.1 would end with its connection.
            line.connects(!has_session && line.client.options().version == v5);
        }
        act(rng);
        line.moves(rng);
        if (may_break && line.is_open() && rng.one_in(12)) line.breaks();
    }

    LossyLine line;
    bool has_session = false;

protected:
    virtual void act(Rng&) {}
    virtual void on_event(const Event& event) {
        if (std::holds_alternative<Connected>(event)) {
            CHECK((std::get<Connected>(event).session_present || !has_session));
            has_session = true;
        }
        if (const auto* ended = std::get_if<Ended>(&event)) FAIL("the connection has ended: " << ended->text);
    }
};

struct Publisher : Device {
    Publisher(Core& core, Version version, QoS qos_) : Device(core, device("publisher", version)), qos(qos_) {}
    bool is_done() const { return next == messages && line.client.held_messages() == 0; }

    QoS qos;
    int next = 0;
    int done = 0;
    bool may_publish = false;

protected:
    void act(Rng& rng) override {
        if (!may_publish || next == messages || !rng.one_in(2)) return;
        if (line.client.publish(publish("line/a", std::to_string(next), qos)).ok()) ++next;
    }
    void on_event(const Event& event) override {
        Device::on_event(event);
        const auto* end = std::get_if<PublishDone>(&event);
        if (end == nullptr) return;
        CHECK_FALSE(wire::is_error(end->code));
        CHECK(end->how == PublishDone::How::answered);
        ++done;
    }
};

struct Subscriber : Device {
    Subscriber(Core& core, Version version, QoS qos_) : Device(core, device("subscriber", version)), qos(qos_) {}

    QoS qos;
    bool is_subscribed = false;
    std::vector<int> got;

protected:
    void act(Rng& rng) override {
        // Late, in any order, also while the connection is down: the client puts the answers in order.
        if (!unanswered_.empty() && rng.one_in(2)) {
            const std::size_t pick = rng.below(unanswered_.size());
            line.client.acknowledge(unanswered_[pick]);
            unanswered_.erase(unanswered_.begin() + static_cast<std::ptrdiff_t>(pick));
        }
    }
    void on_event(const Event& event) override {
        Device::on_event(event);
        if (std::holds_alternative<Connected>(event)) {
            if (qos == qos1) unanswered_.clear();  // they come again
            if (!is_subscribed) REQUIRE(line.client.subscribe({{"line/#", {qos}}}).ok());
        }
        if (std::holds_alternative<RequestDone>(event)) is_subscribed = true;
        if (const auto* message = std::get_if<Message>(&event)) {
            got.push_back(std::stoi(std::string(as_text(message->packet.payload))));
            unanswered_.push_back(message->packet.packet_id);
        }
    }

private:
    std::vector<PacketId> unanswered_;
};

/// The first arrival of each number, in the order of arrival.
std::vector<int> first_arrivals(const std::vector<int>& got) {
    std::vector<int> firsts;
    for (const int number : got)
        if (std::find(firsts.begin(), firsts.end(), number) == firsts.end()) firsts.push_back(number);
    return firsts;
}

std::vector<int> all_numbers() {
    std::vector<int> numbers;
    for (int number = 0; number < messages; ++number) numbers.push_back(number);
    return numbers;
}

void check_delivery(const std::vector<int>& got, QoS qos) {
    if (qos == qos2)
        CHECK(got == all_numbers());
    else
        CHECK(first_arrivals(got) == all_numbers());
}

void run(std::uint64_t seed, Version version, QoS qos) {
    CAPTURE(seed);
    Rng rng(seed);
    Core core(4);
    Publisher publisher(core, version, qos);
    Subscriber subscriber(core, version, qos);
    int steps = 0;
    const auto is_done = [&] {
        return publisher.is_done() && first_arrivals(subscriber.got).size() == std::size_t{messages};
    };
    for (; steps < steps_max && !is_done(); ++steps) {
        core.advance(1ms);
        publisher.may_publish = subscriber.is_subscribed;
        publisher.step(rng, steps < steps_max / 2);
        subscriber.step(rng, steps < steps_max / 2);
    }
    REQUIRE(steps < steps_max);
    CHECK(publisher.done == messages);
    check_delivery(subscriber.got, qos);
}

TEST_CASE("[MQTT-4.3.3-10] QoS 2 is exactly once and in order over connections that break") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        run(seed, v5, qos2);
        run(seed, v311, qos2);
    }
}

TEST_CASE("[MQTT-4.3.2-4] QoS 1 is at least once and in order over connections that break") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        run(seed, v5, qos1);
        run(seed, v311, qos1);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// A relay between two cores. It keeps nothing: both connections end together, and the cores repeat.

class Relay {
public:
    Relay(Core& inner, Core& upstream, QoS qos)
        : inner_(inner, device("relay", v5, Flow::passed_on), [this](const Event& e) { on_inner(e); }),
          upstream_(upstream, device("relay", v5, Flow::passed_on), [this](const Event& e) { on_upstream(e); }),
          qos_(qos) {}

    bool is_subscribed = false;

    void step(Rng& rng, bool may_break) {
        if (!inner_.is_open() && !upstream_.is_open()) {
            if (may_break && !rng.one_in(3)) return;
            upstream_.connects(!has_sessions_);
        }
        // First the upstream: its limits decide what the inner connection may bring.
        if (upstream_.client.is_connected() && !inner_.is_open()) {
            Options options = inner_.client.options();
            options.receive_maximum = std::min(options.receive_maximum, upstream_.client.limits().receive_maximum);
            inner_.client.set_options(options);
            inner_.connects(!has_sessions_);
        }
        upstream_.moves(rng);
        inner_.moves(rng);
        const bool is_half = inner_.client.is_connected() && !upstream_.is_open();
        if (is_half || (may_break && rng.one_in(12))) {
            inner_.breaks();
            upstream_.breaks();
        }
    }

private:
    void on_inner(const Event& event) {
        check(event);
        if (std::holds_alternative<Connected>(event)) {
            has_sessions_ = true;
            if (!is_subscribed) REQUIRE(inner_.client.subscribe({{"line/#", {qos_}}}).ok());
        }
        if (std::holds_alternative<RequestDone>(event)) is_subscribed = true;
        if (const auto* message = std::get_if<Message>(&event)) CHECK(upstream_.client.publish(message->packet).ok());
        if (const auto* ack = std::get_if<AckPassedOn>(&event)) upstream_.client.send_ack(ack->packet);
    }
    void on_upstream(const Event& event) {
        check(event);
        if (const auto* ack = std::get_if<AckPassedOn>(&event)) inner_.client.send_ack(ack->packet);
    }
    static void check(const Event& event) {
        if (const auto* ended = std::get_if<Ended>(&event)) FAIL("the connection has ended: " << ended->text);
    }

    LossyLine inner_;
    LossyLine upstream_;
    QoS qos_;
    bool has_sessions_ = false;
};

void run_relay(std::uint64_t seed, QoS qos) {
    CAPTURE(seed);
    Rng rng(seed);
    Core inner(6);
    Core upstream(4);
    Publisher publisher(inner, v5, qos);
    Subscriber subscriber(upstream, v5, qos);
    Relay relay(inner, upstream, qos);
    int steps = 0;
    const auto is_done = [&] {
        return publisher.is_done() && first_arrivals(subscriber.got).size() == std::size_t{messages};
    };
    for (; steps < steps_max && !is_done(); ++steps) {
        inner.advance(1ms);
        upstream.advance(1ms);
        publisher.may_publish = relay.is_subscribed && subscriber.is_subscribed;
        const bool may_break = steps < steps_max / 2;
        publisher.step(rng, may_break);
        relay.step(rng, may_break);
        subscriber.step(rng, may_break);
    }
    REQUIRE(steps < steps_max);
    check_delivery(subscriber.got, qos);
}

TEST_CASE("a relay without state carries QoS 2 exactly once and QoS 1 at least once, in order, from core to core") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        run_relay(seed, qos2);
        run_relay(seed, qos1);
    }
}

}  // namespace
}  // namespace ledge::client
