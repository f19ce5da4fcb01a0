// ModelGateway: a gateway for one device, as small as the rules allow, with a session that survives its restarts.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "device.hpp"

namespace fwclient {

class ModelGateway {
public:
    /// One packet from the device; the answers go to `sent`.
    void input(const Packet& packet, std::uint32_t now_ms);
    /// Repeats what the device has not acknowledged for a second.
    void poll(std::uint32_t now_ms);
    /// A restart: connections, numbers of topics and timers are lost, the session is not.
    void restart();

    void send(const std::string& data, std::uint8_t qos) { queue_.push_back({data, qos}); }
    bool is_done() const { return queue_.empty() && !out_; }
    bool is_asleep() const { return is_asleep_; }

    std::vector<Packet> sent;
    std::vector<std::string> accepted;  // what the broker has got from the device
    std::size_t ping_answers = 0;       // of those that end a wake-up

private:
    struct Out {
        std::string data;
        std::uint8_t qos = 0;
        std::uint16_t id = 0;
        bool is_sent = false;
        bool is_released = false;
        std::uint32_t sent_ms = 0;
    };

    void on_connect(const Packet& packet);
    void on_publish(const Packet& packet);
    void on_ack(const Packet& packet, std::uint32_t now_ms);
    void on_disconnect(const Packet& packet);
    void on_setup(const Packet& packet);
    void put_out(std::uint32_t now_ms);
    void go_on(std::uint32_t now_ms);

    bool is_connected_ = false;
    bool is_asleep_ = false;
    bool is_awake_ = false;
    std::uint16_t next_topic_id_ = 10;
    std::uint16_t next_id_ = 100;
    std::map<std::string, std::uint16_t> topic_ids_;
    std::uint16_t subscribed_id_ = 0;
    std::set<std::uint16_t> received_;  // QoS 2 messages that the device has not released
    std::deque<Out> queue_;
    std::optional<Out> out_;
};

}  // namespace fwclient
