// /api/v1/sessions: lists sessions, and removes one. Called by Pages on the thread of the loop.
//
//   GET /api/v1/sessions?after=ID&limit=N    {"sessions":[{...}],"next":"ID of the last session"}; null = end
//   DELETE /api/v1/sessions/ID               {"removed":true}
//
// ID is percent-encoded (RFC 3986 section 2.1). N is at most sessions_per_page_max.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/transport/web.hpp"

namespace ledge::broker {
class Shard;
}
namespace ledge::runtime {
class BrokerLoop;
}

namespace ledge::admin {

inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view sessions_path = "/api/v1/sessions";
inline constexpr std::size_t sessions_per_page = 100;  // without limit=N
inline constexpr std::size_t sessions_per_page_max = 1000;

/// An answer with this status and the body {"error":"..."}.
transport::HttpAnswer refusal(std::uint16_t status, std::string_view error);

/// One page of sessions, sorted by client id. `query`: the part of the url after "?".
transport::HttpAnswer list_sessions(const broker::Shard& shard, std::string_view query);
/// Removes the session. `encoded_id`: the last part of the path, percent-encoded.
transport::HttpAnswer remove_session(runtime::BrokerLoop& loop, std::string_view encoded_id);

}  // namespace ledge::admin
