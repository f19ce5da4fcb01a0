// Client: a simulated MQTT client that keeps to the standard: quotas, packet ids, order of acknowledgements, resending
// on resume. It decides by chance what to do next; when it says so it acknowledges late or never, sends duplicates or
// falls silent. It sees only packets.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "link.hpp"
#include "plan.hpp"

namespace ledge::sim {

/// What all publishers of a world share: every publication has its own number.
struct Press {
    std::uint32_t uid = 0;
    std::map<std::string, std::uint32_t> numbers;  // per publisher, topic and QoS

    Label label(std::int32_t publisher, const std::string& topic, wire::QoS qos, bool is_will);
};

class Client {
public:
    Client(std::int32_t number, const ClientPlan& plan, const Plan& world, Press& press, Rng& rng);

    const std::string& id() const { return id_; }
    const ClientPlan& plan() const { return plan_; }
    Link* link() const { return link_; }
    bool is_connected() const { return link_ != nullptr && is_accepted_; }
    /// It has sent DISCONNECT.
    bool is_over() const { return is_over_; }
    /// Nothing that it waits for and nothing that it owes.
    bool is_idle() const { return pending_.empty() && acks_.empty() && awaited_ids_.empty(); }

    /// From here on it does everything it owes at once, and publishes nothing more.
    void calm_down() { is_calm_ = true; }

    void connect(Link& link, bool clean_start);
    /// Its end of the connection is closed.
    void lose_link();
    /// Does one thing, if it likes to.
    void act();
    /// A packet has arrived; sets `flag` of a PUBLISH that is new to the application.
    void on_packet(Event& event, Bytes frame);

    void ping();
    void disconnect(bool ends_session);
    void acknowledge(std::size_t most);

private:
    struct Pending {
        wire::PacketId id = 0;
        bool is_released = false;
        std::string topic;
        std::vector<Byte> payload;
        wire::QoS qos{};
        bool retain = false;
        std::uint32_t expiry_s = 0;
    };
    struct OwedAck {
        wire::PacketType type{};
        wire::PacketId id = 0;
        wire::ReasonCode code{};
    };

    bool is_v5() const { return plan_.version == wire::Version::v5; }
    void act_connected();
    void pipeline();
    void publish();
    void publish_in_flight(const Pending& message, bool dup);
    void subscribe();
    void unsubscribe();
    void repeat_unreleased();
    void forget_session();
    void resend();
    void settle_ack(const Event& event);
    void on_connack(const Event& event, Bytes frame);
    void on_publish(Event& event);
    void on_ack(const Event& event);
    wire::PacketId new_id();
    std::uint32_t choose_alias(std::string& topic_on_wire);
    std::string choose_topic();
    std::string choose_filter();
    wire::SubscribeOptions choose_options(bool is_shared);
    void add_will(wire::Connect& packet, std::string& topic, std::vector<Byte>& payload,
                  wire::PropertyBuilder& properties);
    template <class Packet>
    void send(const Packet& packet);
    void send_ack(const OwedAck& ack);

    std::int32_t number_;
    ClientPlan plan_;
    const Plan& world_;
    Press& press_;
    Rng& rng_;
    std::string id_;
    Link* link_ = nullptr;
    bool is_accepted_ = false;
    bool is_calm_ = false;
    bool is_over_ = false;         // has sent DISCONNECT
    std::uint32_t quota_ = 20;     // the broker's Receive Maximum
    std::uint32_t alias_max_ = 0;  // the broker's Topic Alias Maximum
    std::map<std::string, std::uint32_t> aliases_;
    std::deque<Pending> pending_;  // published, not finished, in order
    std::deque<OwedAck> acks_;
    std::set<wire::PacketId> received_;                       // QoS 2, without PUBREL
    std::map<wire::PacketId, wire::PacketType> awaited_ids_;  // SUBSCRIBE and UNSUBSCRIBE without an answer
    std::set<std::string> filters_;
    wire::PacketId last_id_ = 0;
};

}  // namespace ledge::sim
