// ModelBroker: a small broker with one client, the relay, for simulated runs. It keeps its session in order, checks
// that the relay keeps to the rules of packet ids, and can misbehave as real upstreams do. Everything follows from the
// seed.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::bridge {

/// Once in how many cases the broker misbehaves; 0 = never.
struct Quirks {
    std::uint64_t late = 0;     // holds its answers back for a while
    std::uint64_t twice = 0;    // answers twice
    std::uint64_t never = 0;    // does not answer, on this connection
    std::uint64_t wrong = 0;    // answers something that was not asked
    std::uint64_t closes = 0;   // closes the connection instead of answering; the message was not taken
    std::uint64_t forgets = 0;  // loses its session when the client connects
    std::uint64_t repeats = 0;  // sends an unacknowledged message again on a live connection, as NATS does
    bool lowers_qos2 = false;   // answers QoS 2 by PUBACK, as RabbitMQ does
    std::string poison = {};    // closes the connection whenever this payload comes
};

class ModelBroker {
public:
    struct Arrival {
        std::string topic;
        std::string payload;
        friend bool operator==(const Arrival&, const Arrival&) = default;
    };

    ModelBroker(wire::Version version, std::uint16_t first_id, std::uint16_t window)
        : version_(version), next_id_(first_id), window_(window) {}

    /// A publisher of this broker sends a message that the relay has subscribed to. It waits in the session's queue.
    void queue(std::string topic, std::string payload, wire::QoS qos);
    std::size_t queued() const { return queue_.size(); }
    /// The messages that the relay has brought, in order. A repetition of QoS 2 is none.
    std::vector<Arrival> arrivals;
    Quirks quirks;
    /// The broken rules of packet ids; empty = none.
    std::vector<std::string> complaints;
    int sessions_lost = 0;
    /// The packet ids of messages from the queue whose exchange has ended, in this order.
    std::vector<wire::PacketId> finished;
    /// PUBACK and PUBREC packets that have left, repetitions included.
    std::size_t answers = 0;

    void opened();
    void closed();
    bool is_open() const { return is_open_; }
    bool wants_close() const { return is_open_ && is_ending_; }
    void on_bytes(Bytes bytes, Rng& rng);
    std::string& output() { return output_; }
    /// Sends what it has held back, and what waits in the queue.
    void step(Rng& rng);

private:
    struct Out {
        wire::PacketId id = 0;
        std::string topic;
        std::string payload;
        wire::QoS qos;
        bool was_sent = false;      // on any connection
        bool is_sent_here = false;  // on this connection
        bool is_released = false;   // PUBREC has come
    };

    void on_frame(Bytes frame, Rng& rng);
    void on_connect(const wire::Connect& packet, Rng& rng);
    void on_publish(const wire::Publish& packet, Rng& rng);
    void on_ack(const wire::Ack& packet, Rng& rng);
    void answer(wire::PacketType type, wire::PacketId id, Rng& rng);
    void send_queue();
    void send_publish(Out& one);
    template <class Packet>
    void append(std::string& to, const Packet& packet);

    wire::Version version_;
    wire::PacketId next_id_;
    std::uint16_t window_;
    // Session
    bool has_session_ = false;
    bool is_subscribed_ = false;
    std::deque<Out> queue_;
    std::set<wire::PacketId> received_;  // QoS 2, not released
    // Connection
    bool is_open_ = false;
    bool is_ending_ = false;
    bool is_connected_ = false;
    std::uint16_t client_window_ = 65'535;
    std::optional<wire::Framer> framer_;
    std::string output_;
    std::string held_back_;                // answers that come later
    std::set<wire::PacketId> unanswered_;  // QoS 1 and 2 of this connection
};

}  // namespace ledge::bridge
