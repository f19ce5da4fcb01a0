// CloseReason: why a connection has to end. The parts of a connection judge packets and return an Ending; Connection
// alone closes, logs the reason and tells the client.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ledge/wire/types.hpp"
#include "ledge/wire/violation.hpp"

namespace ledge::session {

struct CloseReason {
    wire::ReasonCode code = wire::ReasonCode::success;
    std::string detail{};     // a sentence for the log, and for the client if the client asks for reasons
    std::string rule{};       // the access rule that denies; the client sees it only if the policy explains itself
    std::string client_id{};  // as CONNECT names it; empty when no CONNECT was decoded, or after CONNACK
    std::string user{};       // as CONNECT names it, in the same cases
};

/// The outcome of judging a packet: nullptr when the connection goes on, otherwise the reason why it ends.
using Ending = std::unique_ptr<CloseReason>;

inline Ending end_with(wire::ReasonCode code, std::string_view detail, std::string_view rule = {}) {
    return std::make_unique<CloseReason>(CloseReason{code, std::string(detail), std::string(rule), {}, {}});
}

/// For a packet that did not decode. `packet` is its name, such as "PUBLISH".
inline Ending end_with(wire::Violation violation, std::string_view packet) {
    return end_with(wire::ReasonCode(violation),
                    std::string(packet).append(": ").append(wire::text_of(violation.rule)));
}

}  // namespace ledge::session
