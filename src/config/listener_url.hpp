// Parses urls of listeners, of the admin pages, of the authentication hook and of bridges, and networks such as
// `10.0.0.0/8`.
#pragma once

#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/config/settings.hpp"

namespace ledge::config {

inline constexpr std::size_t resource_bytes_max = 256;

/// `mqtt://HOST:PORT`, `ws://HOST:PORT/PATH` (both also over TLS) or `unix:PATH`. The error says what is wrong and what
/// would be right; the caller adds the key.
Result<Endpoint, std::string> parse_listener_url(std::string_view url);
/// The url of [admin]: http://HOST:PORT or https://HOST:PORT. The error is as above.
Result<Endpoint, std::string> parse_admin_url(std::string_view url);
/// The url of [auth.http]: http://HOST:PORT/PATH or https://HOST:PORT/PATH. Endpoint::resource is the path.
/// Endpoint::host may be a name, and localhost stays a name. The error is as above.
Result<Endpoint, std::string> parse_hook_url(std::string_view url);

/// A url of [bridges.NAME]: mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH.
/// Endpoint::host may be a name. Endpoint::resource is the path of ws:// and wss://; without a path it is "/mqtt". The
/// error is as above.
Result<Endpoint, std::string> parse_bridge_url(std::string_view url);

/// "10.0.0.0/8", "2001:db8::/32" or one address. Bits after the prefix must be 0. The error is as above.
Result<Network, std::string> parse_network(std::string_view text);

}  // namespace ledge::config
