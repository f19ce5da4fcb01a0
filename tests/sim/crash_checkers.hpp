// Checkers of what a crash may take: nothing that a client was told.
#pragma once

#include <set>

#include "checker.hpp"

namespace ledge::sim {

/// SUBACK, UNSUBACK, PUBREC and PUBCOMP to clients with a stored session, and acknowledgements of retained messages,
/// leave when what they say is durable: no crash takes it back.
class PromiseChecker final : public Checker {
public:
    std::string_view name() const override { return "no crash takes back what was acknowledged"; }
    void on(const Event& event) override;

private:
    using Numbers = std::map<std::string, std::uint32_t>;
    void compare(const Event& event);

    Numbers now_;
    Numbers taken_;
    Numbers stored_;
    Numbers promised_;
};

/// A session that was told present survives; one that the client knows to be gone does not come back.
class SurvivalChecker final : public Checker {
public:
    std::string_view name() const override { return "sessions survive a crash, ended ones do not"; }
    void on(const Event& event) override;

private:
    struct Told {
        std::uint32_t generation = 0;
        bool is_present = false;  // CONNACK has said so of this generation
    };
    std::map<std::int32_t, Told> pending_;  // by link: what its CONNACK says
    std::map<std::int32_t, Told> told_;     // by client
};

/// [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-2] What was sent comes again with the packet id it had, in the order of
/// the first sending; what was routed to a session without a connection comes without DUP on the next one. Restarts
/// change nothing of that.
class RepetitionChecker final : public Checker {
public:
    std::string_view name() const override {
        return "repetitions keep packet id and order, first sendings have no DUP";
    }
    void on(const Event& event) override;

private:
    struct Sent {
        std::uint32_t uid = 0;
        std::uint64_t place = 0;  // among all first sendings
        bool is_retained = false;
    };
    void on_routed(const Event& event);
    void on_sent(const Event& event);
    void on_repeated(const Event& event);
    void doubt(std::uint32_t uid);

    CurrentLinks current_;
    std::map<std::pair<std::int32_t, wire::PacketId>, Sent> unfinished_;
    std::map<Copy, std::uint32_t> times_routed_;
    std::map<Copy, std::uint32_t> routed_away_;             // connections that the client had had by then
    std::map<std::int32_t, std::uint32_t> connections_;     // by client
    std::map<std::int32_t, std::set<std::int32_t>> links_;  // open ones, by client
    std::map<std::int32_t, std::uint64_t> last_repeated_;   // place, by link
    std::uint64_t places_ = 0;
};

}  // namespace ledge::sim
