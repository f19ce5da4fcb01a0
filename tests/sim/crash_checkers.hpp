// Checkers of what a crash may take: nothing that a client was told.
#pragma once

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

}  // namespace ledge::sim
