// Checkers of how the broker speaks: quotas, packet ids, flags, answers, ends of connections, memory.
#pragma once

#include <array>
#include <deque>
#include <set>

#include "checker.hpp"

namespace ledge::sim {

/// [MQTT-3.3.4-9] Unacknowledged QoS 1 and 2 messages on a connection, at most Receive Maximum.
class ReceiveMaximumChecker final : public Checker {
public:
    std::string_view name() const override { return "Receive Maximum"; }
    void on(const Event& event) override;

private:
    struct Quota {
        std::uint32_t maximum = 65'535;
        std::set<wire::PacketId> used;
    };
    std::map<std::int32_t, Quota> quotas_;  // by link
};

/// [MQTT-3.1.2-24]
class PacketSizeChecker final : public Checker {
public:
    std::string_view name() const override { return "Maximum Packet Size"; }
    void on(const Event& event) override;

private:
    std::map<std::int32_t, std::uint32_t> maximum_;  // by link
};

/// [MQTT-2.2.1-4] A packet id belongs to one message until it is acknowledged; a message is sent once per connection
/// [MQTT-4.4.0-1], and not again after PUBREC. At the end none is in use.
class PacketIdChecker final : public Checker {
public:
    std::string_view name() const override { return "packet ids not reused, all in-flight messages finished"; }
    void on(const Event& event) override;

private:
    struct Exchange {
        std::uint32_t uid = 0;
        std::string topic;
        std::int32_t link = -1;
        wire::QoS qos{};
        bool is_released = false;
        bool is_received = false;      // PUBREC has come, ever
        bool is_release_told = false;  // PUBREL has left
    };
    void on_restarted();
    void on_out(const Event& event);
    void on_in(const Event& event);

    CurrentLinks links_;
    std::map<std::pair<std::int32_t, wire::PacketId>, Exchange> exchanges_;
};

/// [MQTT-3.3.1-1] [MQTT-3.3.1-2] DUP on a repetition, and only there.
class DupChecker final : public Checker {
public:
    std::string_view name() const override { return "DUP only on repetitions"; }
    void on(const Event& event) override;

private:
    struct Sent {
        std::uint32_t uid = 0;
        bool is_retained = false;
    };

    CurrentLinks links_;
    std::map<std::pair<std::int32_t, wire::PacketId>, Sent> unfinished_;
    std::map<std::uint32_t, std::uint64_t> routed_at_;  // uid: count of events
    std::map<std::int32_t, std::uint64_t> connected_at_;
    std::uint64_t events_ = 0;
};

/// [MQTT-3.2.2-2] [MQTT-3.2.2-3]
class SessionPresentChecker final : public Checker {
public:
    std::string_view name() const override { return "Session Present"; }
    void on(const Event& event) override;

private:
    std::map<std::int32_t, bool> expected_;  // by link
};

/// [MQTT-3.2.0-1] [MQTT-3.2.0-2] CONNACK first and once; DISCONNECT and AUTH only to v5.
class DialogueChecker final : public Checker {
public:
    std::string_view name() const override { return "CONNACK first and once, DISCONNECT and AUTH only to v5"; }
    void on(const Event& event) override;

private:
    std::map<std::int32_t, bool> answered_;  // by link
};

/// [MQTT-3.12.4-1]
class PingChecker final : public Checker {
public:
    std::string_view name() const override { return "every PINGREQ is answered"; }
    void on(const Event& event) override;

private:
    std::map<std::int32_t, std::int32_t> unanswered_;  // by link
};

/// [MQTT-4.6.0-2] to [MQTT-4.6.0-4] Every packet with an id is answered, in the order they came, per kind of answer.
class AnswerChecker final : public Checker {
public:
    std::string_view name() const override { return "acknowledgements complete and in order"; }
    void on(const Event& event) override;

private:
    using Line = std::pair<std::int32_t, wire::PacketType>;  // link, kind of answer
    std::map<Line, std::deque<wire::PacketId>> expected_;
    bool is_store_failed_ = false;
};

/// [MQTT-3.3.2-8] Topic aliases within what the client allows, and none that was never introduced.
class AliasChecker final : public Checker {
public:
    std::string_view name() const override { return "topic aliases"; }
    void on(const Event& event) override;

private:
    std::map<std::int32_t, std::uint32_t> maximum_;  // by link
};

/// The broker closes a connection for a reason, and in time when a client is silent. [MQTT-3.1.2-22] [MQTT-3.1.4-3]
class ClosingChecker final : public Checker {
public:
    std::string_view name() const override { return "connections are closed for a reason, silent ones in time"; }
    void on(const Event& event) override;

private:
    struct Talk {
        std::int32_t client = -1;
        Instant last_in{};        // a whole packet: from here on silence may be punished
        Instant last_bytes{};     // any byte: from here on it must be
        Duration patience = 10s;  // until CONNECT
        bool may_close = false;
    };
    void on_connect(const Event& event);

    std::map<std::int32_t, Talk> talks_;  // by link
};

/// The broker's memory stays below what its limits add up to.
class MemoryChecker final : public Checker {
public:
    std::string_view name() const override { return "bounded memory"; }
    void on(const Event& event) override;
};

}  // namespace ledge::sim
