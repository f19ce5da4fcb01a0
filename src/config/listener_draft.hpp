// ListenerDraft: a listener while the configuration is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/config/config.hpp"

namespace ledge::config {

/// A listener while the configuration is read. checks.cpp turns it into a ListenerSocket and a ListenerOptions.
struct ListenerDraft {
    std::string name;
    std::string url;
    std::optional<bool> allow_anonymous;  // nullopt = depends on the address, TLS and [auth]
    std::uint32_t connections_max = broker::ListenerOptions{}.connections_max;
    std::uint32_t connections_per_second = 0;
    std::uint32_t connections_burst = 0;
    bool proxy_protocol = false;
    std::vector<std::string> proxy_from;
    bool peer_credentials = false;
    std::string user;
    session::SessionLimits limits;
    WebSocketSettings websocket;
    MqttsnSettings mqttsn;
    TlsSettings tls;
};

}  // namespace ledge::config
