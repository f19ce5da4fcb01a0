// The decisions of the web front about a request: subprotocol, origin, address, key. They are functions of plain texts,
// so that tests need no sockets. Any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge::transport {

/// The subprotocol for the answer, chosen from the elements of the Sec-WebSocket-Protocol fields; "" when no element is
/// supported. [MQTT-6.0.0-3], [MQTT-6.0.0-4]: "mqtt" comes first. "mqttv3.1" is the name that MQTT 3.1 clients use.
std::string_view choose_subprotocol(std::string_view offered);

/// True when a page of `origin` may connect; an empty `allowed` allows all. Upper and lower case are equal.
bool is_allowed_origin(std::string_view origin, std::span<const std::string> allowed);

/// True when `key` is the base64 text of 16 bytes, as RFC 6455 section 4.1 requires.
bool is_websocket_key(std::string_view key);

/// The address of the client behind proxies: the last element of X-Forwarded-For that is not a trusted proxy's address.
/// An element may have a port. Returns nullopt when there is no such element, or when it is not an address.
std::optional<IpAddress> forwarded_client(std::string_view forwarded_for, std::span<const Network> trusted);

/// The token in an Authorization field: "TOKEN" for "Bearer TOKEN", "" for everything else.
std::string_view bearer_token(std::string_view authorization);

/// The host in a Host field: "::1" for "[::1]:8080", "localhost" for "localhost:8080".
std::string_view host_without_port(std::string_view host);

}  // namespace ledge::transport
