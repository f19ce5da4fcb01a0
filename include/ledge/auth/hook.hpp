// The authentication hook: a program of the operator's that is asked by HTTP who may connect.
//
//   POST target, Content-Type: application/json
//   {"user": "...", "password": "...", "client_id": "...", "address": "192.0.2.7", "listener": "..."}
//
//   200   yes. An optional body {"user": "...", "roles": ["..."], "ttl_s": 3600} names the user, gives roles of the
//         ACL, and says for how long: the connection ends then
//   401, 403   no
// Everything else is no answer: nobody gets in, and the client is told to try again later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/auth/password_hash.hpp"
#include "ledge/base/time.hpp"

namespace ledge::auth {

struct LoginOutcome;

/// Where the hook is and how much it is asked.
struct HookOptions {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets
    std::uint16_t port = 80;
    std::string target = "/";
    bool is_tls = false;                // https
    std::string ca_file;                // who signs its certificate; never "" with is_tls. PEM, as the others
    std::string certificate_file;       // ours; "": none
    std::string key_file;               // of that
    Duration timeout = 3s;              // from the question to the last byte of the answer
    std::uint32_t requests_max = 16;    // at once
    std::uint32_t cached_max = 10'000;  // answers that are remembered
    Duration cache_time = 60s;          // a yes; at most its ttl_s
    Duration cache_time_denied = 10s;   // a no
    std::uint32_t idle_max = 4;         // connections that are kept for the next question
    Duration idle_time = 20s;           // how long

    friend bool operator==(const HookOptions&, const HookOptions&) = default;
};

/// One client, as the hook is told of it.
struct HookQuestion {
    std::optional<std::string> user_name;
    std::optional<Secret> password;
    std::string client_id;
    std::string address;  // without the port
    std::string listener;
};

inline constexpr std::size_t hook_answer_bytes_max = 16 * 1024;

/// The body of the request. A password that is not UTF-8 cannot be asked about: nothing.
std::optional<std::string> to_json(const HookQuestion& question);

/// What an answer means. `status` of HTTP; `body` of at most hook_answer_bytes_max.
LoginOutcome read_hook_answer(const HookOptions& options, const HookQuestion& question, unsigned status,
                              std::string_view body);

/// Nobody has answered. `reason` for the log and the client.
LoginOutcome no_hook_answer(std::string_view reason);

/// Changes with the address of the hook; never 0.
std::uint64_t credential_of(const HookOptions& options);

}  // namespace ledge::auth
