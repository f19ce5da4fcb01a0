// Subscriber: a persistent session that keeps to the receiver's rules of QoS 2 and tells the ledger what arrived. Its
// habits say when it is there and how fast it answers.
#pragma once

#include <deque>
#include <map>

#include "client.hpp"

namespace ledge::crash {

enum class Habit : std::uint8_t {
    online,    // always there
    offline,   // there to subscribe, then only while draining
    flapping,  // comes and goes every few milliseconds, with and without DISCONNECT
    slow,      // answers a few packets per millisecond
    newborn,   // each round a new session, by clean start at a random moment
};

struct FilterWish {
    std::string filter;
    QoS qos;
};

class Subscriber : public Client {
public:
    /// `granted`: for each stream the highest QoS of the filters that match it; absent when none does.
    Subscriber(Stage& stage, ClientOptions options, Habit habit, std::vector<FilterWish> filters,
               std::map<StreamId, QoS> granted, Account& account);

    bool is_settled() const override;
    std::string unsettled() const override;
    void begin_round() override;

protected:
    bool wants_connection() const override;
    bool is_clean_start() const override { return is_to_be_born_; }
    void on_connected(bool session_present) override;
    void on_message(const wire::Publish& packet) override;
    void on_ack(const wire::Ack& ack) override;
    void on_suback(const wire::Suback& packet) override;
    void on_tick() override;
    void on_lost() override { waiting_.clear(); }

private:
    struct Answer {
        wire::PacketType type;
        wire::PacketId packet_id;
    };
    void send_subscribe();
    bool is_new_qos2(wire::PacketId id, const Arrival& arrival);
    void answer(wire::PacketType type, wire::PacketId id);
    void come_and_go();
    void end_session();
    Time soon(std::uint64_t ms_max) { return stage_.now + std::chrono::milliseconds(stage_.rng.below(ms_max)); }

    Habit habit_;
    std::vector<FilterWish> filters_;
    std::map<StreamId, QoS> granted_;
    Account& account_;
    bool is_subscribed_ = false;
    bool is_booked_ = false;  // the ledger knows from when on this session may get what
    bool is_to_be_born_ = false;
    bool is_in_offline_list_ = false;         // flapping
    Time turns_at_{};                         // flapping: comes or goes; newborn: is cut off, then is born
    bool is_reborn_ = false;                  // in this round
    std::uint32_t fences_ = 0;                // PINGREQ packets sent while draining, on this connection
    std::map<wire::PacketId, Arrival> held_;  // QoS 2 packet ids between PUBREC and PUBREL
    std::deque<Answer> waiting_;              // slow
};

}  // namespace ledge::crash
