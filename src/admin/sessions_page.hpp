// /api/v1/sessions: what sessions there are, and the end of one.
//
//   GET /api/v1/sessions?after=ID&limit=N    {"sessions":[{...}],"next":"ID of the last one"}; next is null at the end
//   DELETE /api/v1/sessions/ID               {"removed":true}
//
// ID is percent-encoded (RFC 3986, 2.1), N at most sessions_per_page_max.
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
inline constexpr std::size_t sessions_per_page = 100;
inline constexpr std::size_t sessions_per_page_max = 1000;

/// `error` needs no escape.
transport::HttpAnswer refusal(std::uint16_t status, std::string_view error);

transport::HttpAnswer list_sessions(const broker::Shard& shard, std::string_view query);
/// `encoded_id`: the last part of the path.
transport::HttpAnswer remove_session(runtime::BrokerLoop& loop, std::string_view encoded_id);

}  // namespace ledge::admin
