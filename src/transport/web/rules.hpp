// What the web front decides about a request, on plain texts: subprotocol, origin, address, key.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge::transport {

/// The subprotocol to answer with, of those in the Sec-WebSocket-Protocol header(s); "" when there is none of ours.
/// [MQTT-6.0.0-3], [MQTT-6.0.0-4]: "mqtt"; "mqttv3.1" is the name that MQTT 3.1 clients use.
std::string_view choose_subprotocol(std::string_view offered);

/// A page of `origin` may connect. Scheme and host are compared without regard to case.
bool is_allowed_origin(std::string_view origin, std::span<const std::string> allowed);

/// Base64 of 16 bytes, as RFC 6455 section 4.1 asks.
bool is_websocket_key(std::string_view key);

/// The client behind proxies: the last address of X-Forwarded-For that is no trusted proxy's, with or without a port
/// there. nullopt: there is none, or it is no address.
std::optional<IpAddress> forwarded_client(std::string_view forwarded_for, std::span<const Network> trusted);

/// "Bearer TOKEN" -> TOKEN, otherwise "".
std::string_view bearer_token(std::string_view authorization);

/// "[::1]:8080" -> "::1", "localhost:8080" -> "localhost"
std::string_view host_without_port(std::string_view host);

}  // namespace ledge::transport
