// LoginQueue: connections whose passwords are being checked. The arithmetic is done elsewhere, one at a time; what is
// needed for it waits here, bounded. Connections without failures on their address come before the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"

namespace ledge::session {

class Connection;

/// One password to be held against one hash.
struct PasswordCheck {
    std::uint64_t number = 0;
    auth::PasswordHash hash;
    auth::Secret password;
};

class LoginQueue {
public:
    static constexpr std::size_t waiting_max = 1000;           // connections
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;  // of their CONNECT packets and what came after them
    static constexpr std::size_t held_bytes_max = 64 * 1024;   // of what one sends before it is answered

    /// `bytes` of its CONNECT. False: too many wait already.
    bool add(Connection& connection, const auth::Answer& answer, Bytes password, std::size_t bytes);
    /// The connection keeps that many bytes more meanwhile. False: too many, of its own or of all.
    bool hold(const Connection& connection, std::size_t bytes);
    /// The next to be computed; at most one is under way.
    std::optional<PasswordCheck> take(const auth::LoginGuard& guard, Instant now);
    /// Some connection whose address is blocked by now, off the queue; nullptr: none.
    Connection* take_blocked(const auth::LoginGuard& guard, Instant now);

    struct Finished {
        Connection* connection = nullptr;  // nullptr: it is gone
        std::uint64_t credential = 0;      // what was held against the password; 0: of an unknown user
    };
    Finished finish(std::uint64_t number);
    /// The connection is going.
    void forget(const Connection& connection);

    std::size_t size() const { return waiting_.size(); }

private:
    struct Waiting {
        std::uint64_t number = 0;
        Connection* connection = nullptr;
        auth::PasswordHash hash;
        auth::Secret password;
        std::size_t bytes = 0;       // of CONNECT and what has come after it
        std::size_t held_bytes = 0;  // the latter
        bool is_user_known = false;
    };

    bool is_under_way(const Waiting& waiting) const { return waiting.number == under_way_; }
    void erase(std::vector<Waiting>::iterator waiting);

    std::vector<Waiting> waiting_;  // oldest first
    std::uint64_t last_number_ = 0;
    std::uint64_t under_way_ = 0;  // 0: none
    std::size_t bytes_ = 0;
};

}  // namespace ledge::session
