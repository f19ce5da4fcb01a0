// Checkers of what arrives: order, completeness, repetitions, QoS, who may get what.
#pragma once

#include <set>
#include <tuple>

#include "checker.hpp"

namespace ledge::sim {

/// The smallest Maximum Packet Size each client has ever allowed.
class PacketSizes {
public:
    void on(const Event& event);
    /// A publication of which `size` bytes are topic and payload may be too large for this client.
    bool is_too_large(std::int32_t client, std::uint32_t size) const;

private:
    std::map<std::int32_t, std::uint32_t> smallest_;
};

/// [MQTT-4.6.0-6] First arrivals of one publisher's messages on one topic at one QoS are in the order in which the
/// broker was given them.
/// A shared subscription's messages are exempt once a member has left: what it did not acknowledge goes to others.
class OrderChecker final : public Checker {
public:
    std::string_view name() const override { return "order per publisher, topic and QoS"; }
    void on(const Event& event) override;

private:
    using Stream = std::tuple<std::int32_t, std::int32_t, std::string, wire::QoS, wire::QoS>;
    void on_routed(Copy copy) { places_[copy].push_back(++routed_); }

    std::uint64_t routed_ = 0;
    std::map<Copy, std::vector<std::uint64_t>> places_;  // in the order of all that was routed; a publisher may repeat
    std::map<Stream, std::uint64_t> last_;               // place of the last first arrival
    std::set<Copy> seen_;
    std::set<std::uint32_t> shared_;          // went to a shared subscription
    std::set<std::uint32_t> shared_orderly_;  // ... whose members are all still there
    std::set<std::int32_t> members_;
};

/// QoS 1 and 2 reach every session they are routed to, unless the loss was counted.
class AtLeastOnceChecker final : public Checker {
public:
    std::string_view name() const override { return "QoS 1 and 2 at least once"; }
    void on(const Event& event) override;

private:
    struct Debt {
        std::string topic;
        Instant expires_at = never;
        std::uint32_t size = 0;
        bool is_replay = false;
    };
    void owe(const Event& event);
    void finish(const Event& event);

    std::map<Copy, Debt> owed_;
    std::set<Copy> arrived_;
    PacketSizes sizes_;
};

/// QoS 2 exactly once, QoS 0 at most once, QoS 1 again only with DUP: per time it was routed to the session.
class ExactlyOnceChecker final : public Checker {
public:
    std::string_view name() const override { return "QoS 2 exactly once, QoS 0 at most once"; }
    void on(const Event& event) override;

private:
    std::map<Copy, std::uint32_t> routed_;
    std::map<Copy, std::uint32_t> arrived_;
    struct Shared {
        std::uint32_t routed = 0;      // times it went to a shared subscription
        std::uint32_t departures = 0;  // of all sessions, at that time
    };
    std::uint32_t routed_to(const Event& event);
    void on_lost(const Event& event);

    std::map<std::uint32_t, Shared> shared_;
    std::map<std::uint32_t, std::uint32_t> due_;         // times this will was
    std::map<std::uint32_t, std::vector<Copy>> latest_;  // routed by the latest PUBLISH
    std::uint32_t departures_ = 0;
};

/// [MQTT-3.8.4-8] The lower of the published and the granted QoS; the highest granted one where filters overlap.
class QosChecker final : public Checker {
public:
    std::string_view name() const override { return "QoS as granted and published"; }
    void on(const Event& event) override;

private:
    std::map<Copy, std::set<wire::QoS>> routed_;
    std::set<std::uint32_t> shared_;
};

/// A message comes only for a filter that the session has, or had.
class SubscribedChecker final : public Checker {
public:
    std::string_view name() const override { return "no message for a filter never subscribed"; }
    void on(const Event& event) override;

private:
    CurrentLinks links_;
    std::map<std::int32_t, std::uint32_t> generations_;
    std::map<std::pair<std::int32_t, std::uint32_t>, std::set<std::string>> filters_;  // by client and generation
};

/// [MQTT-3.10.4-2] What the broker was given after UNSUBSCRIBE does not come any more.
class UnsubackChecker final : public Checker {
public:
    std::string_view name() const override { return "no new message after UNSUBACK"; }
    void on(const Event& event) override;

private:
    std::set<Copy> routed_;
    std::set<std::uint32_t> handed_on_;  // wills, shared messages: who gets them is found out later
};

/// A will comes only after the connection ended without DISCONNECT, and not before its delay.
class WillChecker final : public Checker {
public:
    std::string_view name() const override { return "wills when due and only then"; }
    void on(const Event& event) override;

private:
    std::set<std::uint32_t> due_;
    std::set<std::uint32_t> cancelled_;
};

/// The RETAIN flag and the message behind it: the latest of its topic when subscribing; else only "as published".
class RetainChecker final : public Checker {
public:
    std::string_view name() const override { return "retained messages and the RETAIN flag"; }
    void on(const Event& event) override;

private:
    std::set<Copy> with_flag_;
    std::set<Copy> without_flag_;
    std::set<std::uint32_t> shared_;
};

/// [MQTT-3.3.4-3] [MQTT-3.3.4-4] The identifiers of all subscriptions that matched.
class SubscriptionIdChecker final : public Checker {
public:
    std::string_view name() const override { return "subscription identifiers"; }
    void on(const Event& event) override;

private:
    std::map<Copy, std::set<std::vector<std::uint32_t>>> routed_;
    std::set<std::uint32_t> shared_;
};

/// A shared subscription hands each message to one member; QoS 1 and 2 to at least one.
class SharedChecker final : public Checker {
public:
    std::string_view name() const override { return "shared subscriptions deliver once"; }
    void on(const Event& event) override;

private:
    struct Share {
        std::set<std::int32_t> members;
        std::set<std::int32_t> receivers;
        std::uint32_t routed = 0;
        bool is_owed = false;
        bool is_loose = false;  // a member has left since
        std::uint32_t size = 0;
        Instant expires_at = never;
    };
    void loosen(std::int32_t client);
    void finish(const Event& event);
    bool is_too_large(const Share& share) const;

    PacketSizes sizes_;
    std::map<std::pair<std::uint32_t, std::string>, Share> shares_;  // uid, shared subscription
};

/// [MQTT-3.3.2-6] The message expiry interval that is left is forwarded.
class ExpiryChecker final : public Checker {
public:
    std::string_view name() const override { return "remaining message expiry interval"; }
    void on(const Event& event) override;

private:
    struct Life {
        Instant start;
        std::uint32_t expiry_s = 0;
    };
    std::map<std::uint32_t, Life> lives_;
};

class PayloadChecker final : public Checker {
public:
    std::string_view name() const override { return "payloads arrive as they were sent"; }
    void on(const Event& event) override;
};

}  // namespace ledge::sim
