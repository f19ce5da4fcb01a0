// Bystanders: clients that look at one thing each. RetainedReader reads retained messages, WillOwner leaves a will
// behind each round and WillReader gets it, Pulse sends itself QoS 0 messages all the time.
#pragma once

#include <map>
#include <set>

#include "client.hpp"

namespace ledge::crash {

/// A fresh session on every connection: reads what is retained and compares it with what was acknowledged by then.
class RetainedReader : public Client {
public:
    RetainedReader(Stage& stage, std::string name, std::vector<StreamId> streams);

    bool is_settled() const override;
    std::string unsettled() const override;
    /// Counts the retained messages that did not come; only after draining.
    void close_books();
    /// Reads everything once more.
    void read_again() { drop(); }

protected:
    void on_connected(bool session_present) override;
    void on_message(const wire::Publish& packet) override;
    void on_tick() override;

private:
    bool expects_value(StreamId stream) const;

    std::map<std::string, StreamId, std::less<>> streams_;
    std::map<StreamId, Sequence> floor_;  // finished when the SUBSCRIBE went out
    std::set<StreamId> seen_;
    bool has_pinged_ = false;
};

/// Connects once a round with a will, then vanishes at a random moment, or with the broker.
class WillOwner : public Client {
public:
    WillOwner(Stage& stage, std::string name, QoS qos);

    /// The round whose will must have come, 0 when none is owed.
    std::uint32_t owed_round() const { return owed_round_; }
    const std::string& topic() const { return topic_; }
    void begin_round() override;

protected:
    /// Once in each life of the broker: the end of the broker is no failure of its own, so it comes back after it.
    bool wants_connection() const override { return armed_cycle_ != stage_.ledger.cycle; }
    void add_to_connect(client::Options& options) override;
    void on_connected(bool session_present) override;
    void on_tick() override;

private:
    std::string topic_;
    QoS qos_;
    std::uint32_t armed_cycle_ = 0;
    std::uint32_t owed_round_ = 0;
    Time vanishes_at_{};
};

/// A persistent session that is owed every will.
class WillReader : public Client {
public:
    WillReader(Stage& stage, std::string name, std::vector<const WillOwner*> owners);

    bool is_settled() const override { return first_missing() == nullptr; }
    std::string unsettled() const override;
    void close_books();

protected:
    void on_connected(bool session_present) override;
    void on_message(const wire::Publish& packet) override;
    void on_ack(const wire::Ack& ack) override;
    void on_suback(const wire::Suback& packet) override;

private:
    const WillOwner* first_missing() const;

    std::vector<const WillOwner*> owners_;
    std::map<std::string, std::uint32_t, std::less<>> latest_;  // topic -> round
    bool is_subscribed_ = false;
};

class Pulse : public Client {
public:
    Pulse(Stage& stage, std::string name);

protected:
    void on_connected(bool session_present) override;
    void on_message(const wire::Publish&) override { ++stage_.pulses; }
    void on_tick() override;

private:
    Time next_{};
};

}  // namespace ledge::crash
