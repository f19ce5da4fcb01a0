// Config: everything that can be configured, as plain values. load.hpp makes a Config; the daemon reads it and hands
// each module its part. The keys, units, ranges and help texts are in src/config/options*.cpp. No thread owns a Config:
// nothing changes it while it is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/auth/hook.hpp"
#include "ledge/auth/jwt.hpp"
#include "ledge/auth/login_limits.hpp"
#include "ledge/auth/revocation.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/config/bridge_settings.hpp"
#include "ledge/config/settings.hpp"
#include "ledge/ota/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::config {

/// [auth.jwt]: JSON Web Tokens as passwords.
struct TokenSettings {
    std::string key_file;   // a file with a public key in PEM, or with a shared secret
    std::string jwks_file;  // a file with a JWK Set
    std::string issuer;
    std::string audience;
    std::string user_claim = auth::TokenRules{}.user_claim;
    std::string roles_claim = auth::TokenRules{}.roles_claim;
    Duration leeway = auth::TokenRules{}.leeway;
    bool match_user_name = auth::TokenRules{}.must_match_user_name;

    bool is_used() const { return !key_file.empty() || !jwks_file.empty(); }
};

/// [auth.http]: a hook, a program that the broker asks whether a client may connect.
struct HookSettings {
    std::string url = "none";  // http://HOST:PORT/PATH or https://HOST:PORT/PATH; "none" = no hook
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

/// [auth]: users and rights. The content of the files is in Loaded::policy.
struct AuthSettings {
    std::string password_file;  // path; "" = no client has a user name
    std::string acl_file;       // path; "" = every client may publish and receive everything
    auth::Revocation on_revocation = auth::Revocation::disconnect;
    bool explain_to_clients = true;
    bool binds_sessions = true;
    auth::LoginLimits login;
    TokenSettings jwt;
    HookSettings http;

    /// True: a client can prove its user name by what it sends in CONNECT.
    bool knows_users() const { return !password_file.empty() || jwt.is_used() || http.is_used(); }
};

/// [ota]: the server of firmware images.
struct OtaSettings {
    std::string directory = "none";  // of the images; "none" = no server
    std::string topic_prefix = ota::OtaOptions{}.topic_prefix;
    std::uint64_t bytes_per_second_max = ota::OtaOptions{}.bytes_per_second_max;
    std::uint64_t device_bytes_per_second_max = ota::OtaOptions{}.device_bytes_per_second_max;
    std::uint32_t block_bytes_max = ota::OtaOptions{}.block_bytes_max;
    std::uint32_t image_bytes_max = ota::OtaOptions{}.image_bytes_max;

    bool is_used() const { return directory != "none"; }
};

struct Config {
    broker::ShardOptions shard;           // shard.listeners are sorted by name
    std::vector<ListenerSocket> sockets;  // sockets[i] serves shard.listeners[i]; same length, never empty
    session::SessionLimits limits;        // [limits]: the values of listeners without [listeners.NAME.limits]
    LogSettings log;
    StoreSettings store;
    AuthSettings auth;
    AdminSettings admin;
    ProcessSettings process;
    OtaSettings ota;
    std::vector<BridgeSettings> bridges;  // sorted by name
    Endpoint admin_endpoint;              // parsed from admin.url, if admin.is_used()
    Duration stop_time_max = 3s;          // from the request to stop until the remaining connections are closed
};

}  // namespace ledge::config
