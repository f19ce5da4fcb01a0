// The authentication hook: an HTTP server of the operator that decides which clients may connect. This file builds the
// requests and reads the answers; runtime/hook_carrier sends them. Stateless.
//
//   POST target, Content-Type: application/json
//   {"user": "...", "password": "...", "client_id": "...", "address": "192.0.2.7", "listener": "..."}
//
//   200        The client may connect. The body is optional: {"user": "...", "roles": ["..."], "ttl_s": 3600}. It
//              names the user, gives the client roles of the ACL, and limits the connection to this many seconds.
//   401, 403   The client is refused.
// Any other answer counts as no answer: the client is refused, and is told to try again later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"

namespace ledge::auth {

struct LoginOutcome;

/// The address of the hook, and the limits of its use.
struct HookOptions {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets
    std::uint16_t port = 80;
    std::string target = "/";           // path and query of the request
    bool is_tls = false;                // https
    std::string ca_file;                // PEM; the authority that signs the hook's certificate; never empty with is_tls
    std::string certificate_file;       // PEM; the broker's own certificate; empty = none
    std::string key_file;               // PEM; the key of certificate_file
    Duration timeout = 3s;              // from the start of the request to the last byte of the answer
    std::uint32_t requests_max = 16;    // requests at the same time
    std::uint32_t cached_max = 10'000;  // answers in the cache
    Duration cache_time = 60s;          // how long a permission is cached, but not longer than its ttl_s
    Duration cache_time_denied = 10s;   // how long a refusal is cached
    std::uint32_t idle_max = 4;         // idle connections that stay open for the next request
    Duration idle_time = 20s;           // how long an idle connection stays open

    friend bool operator==(const HookOptions&, const HookOptions&) = default;
};

/// The data of one client, as the request contains them.
struct HookQuestion {
    std::optional<std::string> user_name;
    std::optional<Secret> password;
    std::string client_id;
    std::string address;  // without the port
    std::string listener;
};

inline constexpr std::size_t hook_answer_bytes_max = 16 * 1024;

/// Returns the body of the request. nullopt = the password is not UTF-8, so JSON cannot contain it.
std::optional<std::string> to_json(const HookQuestion& question);

/// Returns the meaning of an answer. `status` is the HTTP status; `body` has at most hook_answer_bytes_max bytes.
LoginOutcome read_hook_answer(const HookOptions& options, const HookQuestion& question, unsigned status,
                              std::string_view body);

/// Returns the outcome for a hook that has not answered. `reason` is for the log and the client.
LoginOutcome no_hook_answer(std::string_view reason);

/// Returns a number that identifies the hook by its address. Never 0.
std::uint64_t credential_of(const HookOptions& options);

}  // namespace ledge::auth
