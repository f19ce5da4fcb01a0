// Config: everything that can be configured, as plain values. Made by load.hpp; read by the daemon, which hands each
// part to whom it concerns. The keys, units, ranges and help texts stand in src/config/options.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::config {

/// Where a listener listens and what is spoken there: `mqtt://HOST:PORT`, `ws://HOST:PORT/RESOURCE`, `unix:PATH`,
/// `http://HOST:PORT` (pages only); mqtts, wss and https with TLS.
struct Endpoint {
    enum class Kind : std::uint8_t { tcp, unix_socket };
    enum class Protocol : std::uint8_t { mqtt, websocket, http };

    Kind kind = Kind::tcp;
    std::string host;        // tcp: IPv4 or IPv6 address without brackets
    std::uint16_t port = 0;  // tcp: 0 lets the system choose
    std::string path;        // unix_socket: at most 107 bytes
    bool is_local = false;   // only this machine can reach it
    Protocol protocol = Protocol::mqtt;
    bool is_tls = false;
    std::string resource{};  // websocket: the path of the requests, "/mqtt"; "": any

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// [listeners.NAME.websocket]
struct WebSocketSettings {
    std::vector<std::string> origins;          // of pages that may connect; empty: any
    std::vector<std::string> trusted_proxies;  // networks whose X-Forwarded-For is believed
    bool compression = false;
    std::uint64_t message_bytes_max = 2 * 1024 * 1024;
    Duration ping_interval{};  // 0: never
    std::uint32_t header_bytes_max = 8 * 1024;
    Duration handshake_timeout = 10s;

    friend bool operator==(const WebSocketSettings&, const WebSocketSettings&) = default;
};

enum class ClientCertificate : std::uint8_t { none, optional, required };
enum class TlsUserName : std::uint8_t { none, common_name, subject_alternative_name, fingerprint };
enum class TlsVersion : std::uint8_t { tls1_2, tls1_3 };

/// [listeners.NAME.tls], and what [admin.tls] has of it. Files are PEM.
struct TlsSettings {
    std::string certificate;
    std::string key;
    std::vector<std::string> sni_certificates;  // further ones, for other names
    std::vector<std::string> sni_keys;          // theirs, in the same order
    std::string ca;
    std::string crl;
    ClientCertificate client_certificate = ClientCertificate::none;
    TlsUserName username_from = TlsUserName::none;
    std::string psk_file;
    std::vector<std::string> alpn;  // empty: what suits the url
    TlsVersion minimum_version = TlsVersion::tls1_2;
    std::vector<std::string> ciphers;  // empty: the safe ones
    Duration ticket_lifetime = 24h;
    Duration handshake_timeout = 10s;
    std::uint32_t handshakes_max = 100;
    std::uint32_t handshakes_queued_max = 1000;

    /// Whoever comes in has shown a certificate or a key.
    bool proves_clients() const { return client_certificate == ClientCertificate::required || !psk_file.empty(); }
    friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

/// The socket's side of a listener; the core's side is the ListenerOptions of the same index.
struct ListenerSocket {
    std::string url;  // as configured
    Endpoint endpoint;
    std::uint32_t connections_per_second = 0;  // 0: any
    std::uint32_t connections_burst = 0;       // 0: as many as in a second
    bool proxy_protocol = false;
    std::vector<std::string> proxy_from;  // networks, as configured
    bool peer_credentials = false;        // unix_socket: who connects has the name of its process's user
    WebSocketSettings websocket;
    TlsSettings tls;                        // endpoint.is_tls
    std::vector<Network> proxy_networks;    // proxy_from
    std::vector<Network> trusted_networks;  // websocket.trusted_proxies
};

/// [admin]: pages for operators, on a listener of their own.
struct AdminSettings {
    std::string url = "none";
    std::string token_file;
    TlsSettings tls;  // https

    bool is_used() const { return url != "none"; }
};

/// [process]: what the broker is to the system.
struct ProcessSettings {
    std::string user;         // becomes this one once it has what only root may have; empty: stays who it is
    std::string group;        // empty: the user's
    bool core_dumps = false;  // what is in memory may be written to disk when it crashes

    friend bool operator==(const ProcessSettings&, const ProcessSettings&) = default;
};

enum class LogFormat : std::uint8_t { text, json };

struct LogSettings {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
};

/// Levels and delays of [store] are in shard.durability.
struct StoreSettings {
    /// What happens at a start when the store cannot be used.
    enum class Unusable : std::uint8_t { stop, start_without };

    std::string path = "none";  // a directory, or "none"
    Unusable if_unusable = Unusable::stop;
    std::uint64_t size_max_bytes = 1024ULL * 1024 * 1024;
    std::uint64_t daily_write_budget_bytes = 0;  // 0: none

    bool is_used() const { return path != "none"; }
};

/// [auth.jwt]: tokens as passwords.
struct TokenSettings {
    std::string key_file;   // PEM of a public key, or a shared secret
    std::string jwks_file;  // a JWK Set
    std::string issuer;
    std::string audience;
    std::string user_claim = auth::TokenRules{}.user_claim;
    std::string roles_claim = auth::TokenRules{}.roles_claim;
    Duration leeway = auth::TokenRules{}.leeway;
    bool match_user_name = auth::TokenRules{}.must_match_user_name;

    bool is_used() const { return !key_file.empty() || !jwks_file.empty(); }
};

/// [auth.http]: a hook that is asked who may connect.
struct HookSettings {
    std::string url = "none";  // http://HOST:PORT/PATH, https://
    std::string ca;            // PEM files, for https
    std::string certificate;
    std::string key;
    Duration timeout = auth::HookOptions{}.timeout;
    std::uint32_t requests_max = auth::HookOptions{}.requests_max;
    std::uint32_t cached_max = auth::HookOptions{}.cached_max;
    Duration cache_time = auth::HookOptions{}.cache_time;
    Duration cache_time_denied = auth::HookOptions{}.cache_time_denied;
    std::uint32_t idle_max = auth::HookOptions{}.idle_max;
    Duration idle_time = auth::HookOptions{}.idle_time;

    bool is_used() const { return url != "none"; }
};

/// Who may do what. What the files say is Loaded::policy.
struct AuthSettings {
    std::string password_file;  // path; empty: nobody has a name
    std::string acl_file;       // path; empty: everybody may do everything
    auth::Revocation on_revocation = auth::Revocation::disconnect;
    bool explain_to_clients = true;
    bool binds_sessions = true;
    auth::LoginLimits login;
    TokenSettings jwt;
    HookSettings http;

    /// Somebody can prove who he is after CONNECT.
    bool knows_users() const { return !password_file.empty() || jwt.is_used() || http.is_used(); }
};

struct Config {
    broker::ShardOptions shard;           // shard.listeners in the order of their names
    std::vector<ListenerSocket> sockets;  // sockets[i] serves shard.listeners[i]; same length, never empty
    session::SessionLimits limits;        // [limits]: of a listener that does not say otherwise
    LogSettings log;
    StoreSettings store;
    AuthSettings auth;
    AdminSettings admin;
    ProcessSettings process;
    Endpoint admin_endpoint;      // of admin.url, if it is used
    Duration stop_time_max = 3s;  // from the wish to stop until the last connection is closed hard
};

}  // namespace ledge::config
