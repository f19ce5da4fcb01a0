// ModelDevice: a device that follows MQTT-SN 1.2 to the letter, written for tests without a look at the gateway. It
// publishes the numbers 0, 1, 2 ... to "data", and notes the numbers that it hears on "cmd/+". It sleeps now and then.
// Its memory survives a loss of the connection, as if it had not restarted.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/base/time.hpp"
#include "packet_text.hpp"

namespace ledge::mqttsn {

class ModelDevice {
public:
    struct Plan {
        QoS qos = QoS::at_least_once;
        bool sleeps = false;
        int messages = 20;
    };

    ModelDevice(const Plan& plan, Rng& rng) : plan_(plan), rng_(rng) {}

    void on_packet(Bytes packet, Instant now);
    void step(Instant now);
    /// True = all numbers are published and answered.
    bool is_done() const { return published == plan_.messages && !outgoing_; }
    bool is_subscribed() const { return was_subscribed_; }
    /// From now on the device does not fall asleep any more.
    void stays_awake() { plan_.sleeps = false; }

    std::deque<std::vector<Byte>> sent;  // to the gateway
    std::vector<int> got;                // numbers, in the order of arrival
    int published = 0;
    int sleeps = 0;
    int reconnects = 0;
    int pingresps = 0;  // while awake

private:
    enum class State : std::uint8_t {
        away,
        connecting,
        registering,
        subscribing,
        active,
        falling_asleep,
        asleep,
        awake
    };
    struct Outgoing {
        MessageId id;
        int number;
        bool is_released = false;
    };
    static constexpr Duration retry = 1s;
    static constexpr int retries_max = 4;

    void send(const Message& message);
    void enter(State state, Instant now);
    void send_request();
    void send_publish(bool is_dup);
    void on_publish(const Publish& m);
    void on_answer(const Answer& m, Instant now);
    void reconnect(Instant now);

    Plan plan_;
    Rng& rng_;
    State state_ = State::away;
    Instant retry_at_{};
    int retries_ = 0;
    Instant publish_retry_at_ = never;
    int publish_retries_ = 0;
    Instant wake_at_ = never;
    Instant ping_at_ = never;
    MessageId last_id_ = 0;
    MessageId request_id_ = 0;
    TopicId data_topic_ = 0;
    bool was_subscribed_ = false;
    std::map<TopicId, std::string> topics_;
    std::optional<Outgoing> outgoing_;
    std::set<MessageId> recorded_;       // QoS 2: from PUBLISH to PUBREL
    std::deque<MessageId> done_lately_;  // QoS 2: late copies are answered, not heard again
};

}  // namespace ledge::mqttsn
