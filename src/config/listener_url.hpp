// `mqtt://HOST:PORT`, `ws://HOST:PORT/PATH`, `unix:PATH`, `http://HOST:PORT`; networks as `10.0.0.0/8`.
#pragma once

#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"

namespace ledge::config {

inline constexpr std::size_t resource_bytes_max = 256;

/// The error says what is wrong and what would be right, without the URL itself.
Result<Endpoint, std::string> parse_listener_url(std::string_view url);
/// The same for [admin]: http://HOST:PORT, https:// over TLS.
Result<Endpoint, std::string> parse_admin_url(std::string_view url);
/// The same for [auth.http]: http://HOST:PORT/PATH, https://; Endpoint::resource is the path, Endpoint::host may be a
/// name, and localhost stays one.
Result<Endpoint, std::string> parse_hook_url(std::string_view url);

/// "10.0.0.0/8", "2001:db8::/32", or one address. Bits beyond the prefix must be 0.
Result<Network, std::string> parse_network(std::string_view text);

}  // namespace ledge::config
