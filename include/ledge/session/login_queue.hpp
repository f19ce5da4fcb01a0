// LoginQueue: connections whose logins are being checked. The checks are carried out elsewhere; what is needed for them
// waits here, bounded. Whoever is known comes before strangers, strangers before suspects (auth::Standing); within a
// standing, addresses take turns, and names at one address do. When the queue is full, the worst standing gives way,
// and of it the address that waits most often.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
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
    auth::LoginSource source{};
    auth::Standing standing = auth::Standing::stranger;
};

/// The standings that a carrier has room for.
struct StandingRange {
    auth::Standing best = auth::Standing::known;
    auth::Standing worst = auth::Standing::suspect;
};

class LoginQueue {
public:
    // For each carrier of its own: a slow one does not take the others' room.
    static constexpr std::size_t waiting_max = 1000;           // connections
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;  // of their CONNECT packets and what came after them

    static constexpr std::size_t held_bytes_max = 64 * 1024;  // of what one sends before it is answered
    static constexpr std::size_t turns_max = 4096;            // remembered of addresses, and of names

    struct Added {
        bool is_in = false;              // false: there is no room for it
        Connection* gave_way = nullptr;  // off the queue, for its sake
    };
    /// `bytes` of its CONNECT.
    Added add(Connection& connection, auth::LoginCheck check, const auth::LoginSource& source, std::size_t bytes,
              const auth::LoginGuard& guard, Instant now);
    /// The connection keeps that many bytes more meanwhile. False: too many, of its own or of all.
    bool hold(const Connection& connection, std::size_t bytes);
    /// The next for this carrier; how many at once is for the caller to decide.
    std::optional<LoginTask> take(auth::Carrier carrier, const auth::LoginGuard& guard, Instant now,
                                  StandingRange range = {});
    /// Some connection whose source is blocked by now, off the queue; nullptr: none.
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
        auth::LoginSource source;
        std::size_t bytes = 0;       // of CONNECT and what has come after it
        std::size_t held_bytes = 0;  // the latter
    };
    using Place = std::vector<Waiting>::iterator;

    std::size_t& bytes_of(auth::Carrier carrier) { return bytes_[static_cast<std::size_t>(carrier)]; }
    bool has_room(auth::Carrier carrier, std::size_t bytes);
    Place worst(auth::Carrier carrier, const auth::LoginSource& newcomer, const auth::LoginGuard& guard, Instant now);
    void note_turn(const Waiting& waiting);
    Connection* erase(Place waiting);

    std::vector<Waiting> waiting_;  // oldest first
    std::uint64_t last_number_ = 0;
    std::array<std::size_t, auth::carrier_count> bytes_{};  // of each carrier
    // Number of the last turn of an address, and of a source (by its hash); missing: longer ago than the others'.
    std::unordered_map<NetworkId, std::uint64_t> network_turns_;
    std::unordered_map<std::uint64_t, std::uint64_t> name_turns_;
    std::uint64_t last_turn_ = 0;
};

}  // namespace ledge::session
