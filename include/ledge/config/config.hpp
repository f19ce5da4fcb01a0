// Config: everything that can be configured, as plain values. Made by load.hpp; read by the daemon, which hands each
// part to whom it concerns. The keys, units, ranges and help texts stand in src/config/options.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::config {

/// Where a listener listens: `mqtt://HOST:PORT` or `unix:PATH`.
struct Endpoint {
    enum class Kind : std::uint8_t { tcp, unix_socket };

    Kind kind = Kind::tcp;
    std::string host;        // tcp: IPv4 or IPv6 address without brackets
    std::uint16_t port = 0;  // tcp: 0 lets the system choose
    std::string path;        // unix_socket: at most 107 bytes
    bool is_local = false;   // only this machine can reach it

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The socket's side of a listener; the core's side is the ListenerOptions of the same index.
struct ListenerSocket {
    std::string url;  // as configured
    Endpoint endpoint;
};

enum class LogFormat : std::uint8_t { text, json };

struct LogSettings {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
};

/// Levels and delays of [store] are in shard.durability.
struct StoreSettings {
    std::string path = "none";  // a directory, or "none"
    std::uint64_t size_max_bytes = 1024ULL * 1024 * 1024;
    std::uint64_t daily_write_budget_bytes = 0;  // 0: none

    bool is_used() const { return path != "none"; }
};

/// Who may do what. What the files say is Loaded::policy.
struct AuthSettings {
    std::string password_file;  // path; empty: nobody has a name
    std::string acl_file;       // path; empty: everybody may do everything
    auth::Revocation on_revocation = auth::Revocation::disconnect;
    auth::LoginLimits login;
};

struct Config {
    broker::ShardOptions shard;           // shard.listeners in the order of their names
    std::vector<ListenerSocket> sockets;  // sockets[i] serves shard.listeners[i]; same length, never empty
    session::SessionLimits limits;        // [limits]: of a listener that does not say otherwise
    LogSettings log;
    StoreSettings store;
    AuthSettings auth;
    Duration stop_time_max = 3s;  // from the wish to stop until the last connection is closed hard
};

}  // namespace ledge::config
