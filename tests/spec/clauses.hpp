// The numbered normative statements of the two OASIS standards, as the coverage test needs them. The wording is ours
// and short: read the standard for the rule.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ledge::spec {

enum class Binds : std::uint8_t { server, client, both };

enum class Check : std::uint8_t {
    script,     // a broker can be tested for it, here
    client,     // a duty of clients that a broker cannot be seen to enforce
    transport,  // WebSocket or network property: tests/e2e
    unseen,     // cannot be observed from outside, or concerns what this broker never does; says why
};

struct Clause {
    std::string_view id;  // "3.1.0-1"
    Binds binds;
    Check check;
    std::string_view says;
};

/// MQTT 3.1.1 (OASIS Standard, 29 October 2014), appendix B.
std::span<const Clause> clauses_v3();
/// MQTT 5.0 (OASIS Standard, 7 March 2019), appendix B.
std::span<const Clause> clauses_v5();

}  // namespace ledge::spec
