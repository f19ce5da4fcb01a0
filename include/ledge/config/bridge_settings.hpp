// BridgeSettings: one bridge to another broker (the upstream), as plain values: [bridges.NAME] and its sections. The
// keys, units, ranges and help texts are in src/config/options_bridge.cpp. daemon/wiring hands the parts to the bridge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ledge/auth/token_algorithm.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/route.hpp"
#include "ledge/config/settings.hpp"

namespace ledge::auth {
struct SigningKey;
}
namespace ledge::bridge {
enum class MarkRule : std::uint8_t;        // in ledge/bridge/relay_options.hpp; the first value is "auto"
enum class ProtocolChoice : std::uint8_t;  // in ledge/bridge/upstream.hpp; the first value is "auto"
enum class UpstreamKind : std::uint8_t;    // in ledge/bridge/upstream_profile.hpp
}  // namespace ledge::bridge

namespace ledge::config {

/// A part of each day, in UTC. Written as "HH:MM-HH:MM".
struct DayWindow {
    std::uint16_t begin_minute = 0;  // minutes since 00:00; the window begins with this minute
    std::uint16_t end_minute = 0;    // the window ends before this minute; not above begin_minute = on the next day

    friend bool operator==(const DayWindow&, const DayWindow&) = default;
};

/// [bridges.NAME.queue]: the outgoing messages that wait for the upstream.
struct BridgeQueueSettings {
    /// What happens to a message for which the queue has no room.
    enum class Overflow : std::uint8_t { drop_oldest, drop_newest, refuse };
    /// What leaves first after an absence. live_first is refused with a sentence that says why.
    enum class Order : std::uint8_t { backlog_first, live_first };

    std::uint64_t bytes_max = 256ULL * 1024 * 1024;
    std::uint32_t messages_max = 1'000'000;
    Overflow overflow = Overflow::drop_oldest;
    std::uint32_t rate_bytes_per_second = 0;  // to the upstream; 0 = unlimited
    std::uint32_t poison_attempts = 3;
    std::string dead_letter_topic;  // at the local broker; "" = such messages are dropped
    Duration warn_time_to_full = 1h;
    Duration age_max{};  // 0 = no limit
    // Filters of topics at the local broker
    std::vector<std::string> last_value;  // only the newest message of each such topic waits
    std::vector<std::string> priority;    // carried by a second connection
    Order order = Order::backlog_first;
};

/// [bridges.NAME.tls]: for urls that begin with mqtts:// or wss://. Strings without another comment are paths.
struct BridgeTlsSettings {
    std::string ca;                 // PEM
    std::string certificate;        // PEM
    std::string key;                // PEM
    std::string server_name;        // "" = the host of the url
    std::string psk_file;           // one line IDENTITY:HEX
    std::vector<std::string> alpn;  // empty = no protocol is offered

    friend bool operator==(const BridgeTlsSettings&, const BridgeTlsSettings&) = default;
};

/// [bridges.NAME.token]: a password that the bridge makes and signs itself before each connection.
struct BridgeTokenSettings {
    enum class Kind : std::uint8_t {
        none,
        jwt,  // JSON Web Token
        sas,  // shared access signature of Azure IoT Hub
    };
    using Claim = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

    Kind kind = Kind::none;
    std::string key_file;  // path
    Duration lifetime = 1h;
    // jwt only; "" = the token has no such claim
    auth::TokenAlgorithm algorithm = auth::TokenAlgorithm::es256;
    std::string key_id;
    std::string issuer;
    std::string subject;
    std::string audience;
    std::vector<std::pair<std::string, Claim>> claims;  // further ones, [bridges.NAME.token.claims], sorted by name
    // sas only
    std::string resource;
    std::string policy;

    bool is_used() const { return kind != Kind::none; }
    friend bool operator==(const BridgeTokenSettings&, const BridgeTokenSettings&) = default;
};

struct BridgeSettings {
    std::string name;
    std::vector<std::string> urls;  // as the operator wrote them, in the order of preference
    std::string client_id;          // "" = chosen by client_id_of()
    bridge::ProtocolChoice protocol{};
    std::string user;                              // "" = CONNECT has no user name
    std::string password_file;                     // path; "" = none
    std::vector<std::string> password_command;     // the path of a program, and its arguments; empty = none
    std::optional<bridge::UpstreamKind> upstream;  // nullopt = "auto"; see upstream_kind_of()
    bool bridge_bit = false;
    bool compression = false;  // of WebSocket
    Duration keep_alive = 60s;
    Duration session_expiry = 168h;
    Duration connect_timeout = 10s;  // name, TCP, TLS and WebSocket together
    Duration connack_timeout = 30s;
    Duration suback_timeout = 60s;
    Duration retry_first = 1s;
    Duration retry_max = 5min;
    bool lazy = false;
    Duration lazy_idle = 60s;
    std::vector<std::string> windows;  // as the operator wrote them; empty = the whole day
    std::uint32_t inflight_max = 1000;
    std::uint32_t packet_bytes_max = 1024 * 1024;
    std::string state_topic;  // at the upstream; "" = the state is not told there
    bool republish_retained = false;
    bool fall_back_to_qos0 = false;
    bridge::MarkRule marks{};
    std::vector<std::string> character_map;  // texts of two characters: the replaced one, and its replacement
    BridgeTokenSettings token;
    BridgeTlsSettings tls;
    BridgeQueueSettings queue;
    std::vector<bridge::Route> routes;  // valid, and without loops, if Loaded::ok()

    // Parsed from the members above:
    std::vector<Endpoint> endpoints;                     // endpoints[i] is urls[i]; same length
    std::vector<DayWindow> day_windows;                  // of windows, in the same order
    std::vector<std::pair<char, char>> character_pairs;  // of character_map, in the same order

    /// True if one of the urls begins with mqtts:// or wss://.
    bool uses_tls() const;
    /// True if CONNECT has a password, however it is made.
    bool has_password() const;
};

/// The client id at the upstream: the configured one, or else `machine` (the name of this machine), '-' and the name of
/// the bridge.
std::string client_id_of(const BridgeSettings& settings, std::string_view machine);

/// The kind of the upstream: the configured one, or the one that the host names of all urls tell. nullopt = "auto", and
/// the host names tell none.
std::optional<bridge::UpstreamKind> upstream_kind_of(const BridgeSettings& settings);

/// What the client id of a bridge's priority lane has behind the client id of the bridge.
inline constexpr std::string_view priority_client_id_end = "-priority";

inline constexpr std::size_t bridge_password_bytes_max = 0xFFFF;  // MQTT allows no longer password

/// Reads the password of a bridge: the first line of the file, without its line end. Waits for the disk. The error is
/// a sentence that names the file and the fix: the file cannot be read, everybody on this machine can read or write it,
/// or its first line is empty or too long.
Result<Secret, std::string> read_bridge_password(const std::string& path);

/// Reads the key by which the tokens of a bridge are signed. Waits for the disk. The error is as above, and also says
/// what is wrong with the key. Requires settings.is_used().
Result<auth::SigningKey, std::string> read_bridge_token_key(const BridgeTokenSettings& settings);

/// Sentences for `ledgemq check`: some lines for each bridge, then one line for each of its routes. "" = no bridges.
/// Requires the bridges of a Config whose Loaded is ok(). `machine`: as for client_id_of().
std::string explain_bridges(const std::vector<BridgeSettings>& bridges, std::string_view machine);

}  // namespace ledge::config
