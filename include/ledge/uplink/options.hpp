// The options of one bridge's connection to its upstream: plain values, filled by the owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/backoff.hpp"
#include "ledge/bridge/relay_options.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/uplink/password.hpp"
#include "ledge/uplink/queue_figures.hpp"

namespace ledge::uplink {

/// One address of the upstream.
struct Server {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets
    std::uint16_t port = 1883;
    bool is_tls = false;              // MQTT in TLS, usually on port 8883
    std::string websocket_path = {};  // of MQTT over WebSocket, which begins with '/': "/mqtt"; "" = no WebSocket
    /// Bytes of a WebSocket message after it was expanded. 0 = compression is not offered, and a message may have any
    /// size, because none is ever held as a whole.
    std::uint64_t expanded_bytes_max = 0;

    friend bool operator==(const Server&, const Server&) = default;
};

/// The server as a URL for logs: "mqtts://broker.example:8883", "mqtt://[2001:db8::1]:1883", "ws://gw:8080/mqtt".
std::string to_text(const Server& server);

/// A part of each day, in minutes since 00:00 UTC.
struct DayWindow {
    std::uint16_t begin_minute = 0;
    std::uint16_t end_minute = 0;  // the window ends before this minute; not above begin_minute = on the next day
};

struct UplinkOptions {
    std::string name;             // of the bridge, for logs
    std::string priority_of;      // the name of the bridge whose priority lane this is; "" = this is a bridge
    std::vector<Server> servers;  // at least one, the preferred one first; all of them are one upstream
    bridge::RelayOptions relay;
    bridge::UpstreamOptions upstream;
    std::string server_name;                   // that the certificates must have; "" = the host of the server
    std::optional<net::TlsClientOptions> tls;  // for the servers with is_tls; required if there is one

    // Towards the local broker
    std::uint16_t inner_listener = 0;  // index in ShardOptions::listeners; its limits and rights apply to the bridge
    std::string inner_user;            // the name of the bridge as a user of the local broker; not empty

    /// Makes the password before each attempt to connect. When a password has an end, the bridge connects again with a
    /// new one some time before.
    PasswordHook password;

    /// Bytes of MQTT to the upstream per second; 0 = unlimited. Above this rate messages wait at the local broker.
    std::uint64_t rate_bytes_per_second = 0;

    QueueWatch queue;

    // Time
    bridge::BackoffOptions backoff;
    Duration connect_timeout = 15s;    // for the name look-up, TCP, TLS and WebSocket of one server together
    Duration return_first = 5min;      // while another server is in use: the pause before the preferred one is tried
    Duration return_largest = 2h;      // this pause doubles up to here while the preferred server does not hold
    Duration ending_time_max = 20s;    // from DISCONNECT until both transports are closed by force
    Duration message_log_pause = 10s;  // between two log lines about single messages of one kind

    /// The parts of each day, in UTC, in which the bridge may be connected; empty = the whole day. Bridges keeps them.
    std::vector<DayWindow> windows;

    /// Connect only after Uplink::wake(). The connection ends after `idle_time` without a message.
    bool is_on_demand = false;
    Duration idle_time = 60s;
};

}  // namespace ledge::uplink
