// Publisher: a persistent session with a window of QoS 1 and QoS 2 exchanges, repeated on every new connection in their
// order as the standard wants it. What it has handed to its window it never gives up before the broker answered.
#pragma once

#include <deque>

#include "client.hpp"

namespace ledge::crash {

class Publisher : public Client {
public:
    Publisher(Stage& stage, ClientOptions options, std::vector<StreamId> streams)
        : Client(stage, std::move(options)), streams_(std::move(streams)) {}

    bool is_settled() const override { return in_flight_.empty() && is_connected(); }
    std::string unsettled() const override;

protected:
    void on_connected(bool session_present) override;
    void on_ack(const wire::Ack& ack) override;
    void on_tick() override;

private:
    enum class State : std::uint8_t {
        published,  // PUBLISH sent, PUBACK or PUBREC awaited
        released,   // PUBREL sent, PUBCOMP awaited
    };
    struct Exchange {
        wire::PacketId packet_id;
        Arrival message;
        State state = State::published;
        bool is_repeated = false;  // on a later connection
    };
    using Window = std::deque<Exchange>;

    void start_next();
    void send_publish(const Exchange& exchange, bool dup);
    void repeat_all(bool session_present);
    Window::iterator find_published(wire::PacketId id, QoS qos);
    void on_puback(const wire::Ack& ack);
    void on_pubrec(const wire::Ack& ack);
    void on_pubcomp(const wire::Ack& ack);
    QoS qos_of(const Exchange& exchange) const { return stage_.ledger.stream(exchange.message.stream).qos; }

    std::vector<StreamId> streams_;
    Window in_flight_;
    wire::PacketId last_id_ = 0;
    double allowance_ = 0;  // publications
    Time last_tick_{};
    std::vector<Byte> payload_;
};

}  // namespace ledge::crash
