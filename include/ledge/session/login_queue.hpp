// LoginQueue: connections whose logins are being checked. The checks are carried out elsewhere; what is needed for them
// waits here, bounded. Connections without failures on their address come before the others.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/login_check.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"

namespace ledge::session {

class Connection;

/// A check to be carried out; the number comes back with the outcome.
struct LoginTask {
    std::uint64_t number = 0;
    auth::LoginCheck check;
};

class LoginQueue {
public:
    // For each carrier of its own: a slow one does not take the others' room.
    static constexpr std::size_t waiting_max = 1000;           // connections
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;  // of their CONNECT packets and what came after them

    static constexpr std::size_t held_bytes_max = 64 * 1024;  // of what one sends before it is answered

    /// `bytes` of its CONNECT. False: too many wait already.
    bool add(Connection& connection, auth::LoginCheck check, std::size_t bytes);
    /// The connection keeps that many bytes more meanwhile. False: too many, of its own or of all.
    bool hold(const Connection& connection, std::size_t bytes);
    /// The next for this carrier; how many at once is for the caller to decide.
    std::optional<LoginTask> take(auth::Carrier carrier, const auth::LoginGuard& guard, Instant now);
    /// Some connection whose address is blocked by now, off the queue; nullptr: none.
    Connection* take_blocked(const auth::LoginGuard& guard, Instant now);

    /// Whose check has been carried out; nullptr: it is gone.
    Connection* finish(std::uint64_t number);
    /// The connection is going.
    void forget(const Connection& connection);

    std::size_t size() const { return waiting_.size(); }

private:
    struct Waiting {
        std::uint64_t number = 0;
        Connection* connection = nullptr;
        auth::Carrier carrier = auth::Carrier::worker;
        std::optional<auth::LoginCheck> check;  // nothing: under way
        std::size_t bytes = 0;                  // of CONNECT and what has come after it
        std::size_t held_bytes = 0;             // the latter
    };

    std::size_t& bytes_of(auth::Carrier carrier) { return bytes_[static_cast<std::size_t>(carrier)]; }
    void erase(std::vector<Waiting>::iterator waiting);

    std::vector<Waiting> waiting_;  // oldest first
    std::uint64_t last_number_ = 0;
    std::array<std::size_t, auth::carrier_count> bytes_{};  // of each carrier
};

}  // namespace ledge::session
