// `mqtt://HOST:PORT` and `unix:PATH`.
#pragma once

#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"

namespace ledge::config {

inline constexpr std::uint16_t default_port = 1883;        // mqtt
inline constexpr std::size_t socket_path_bytes_max = 107;  // of sockaddr_un, without the closing zero

/// The error says what is wrong and what would be right, without the URL itself.
Result<Endpoint, std::string> parse_listener_url(std::string_view url);

}  // namespace ledge::config
