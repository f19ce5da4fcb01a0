// LoginQueue: the connections whose logins wait for a check, or are being checked. The checks are carried out elsewhere
// (auth::Carrier); the queue holds their input, within limits. The order is by auth::Standing. Logins of equal standing
// are served round-robin by address, and logins of one address round-robin by user name. When the queue is full, the
// login with the worst standing gives way; among equals, a login of the address that has most of them in the queue.
// Owned by the shard; used on the shard's thread.
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

/// A check to be carried out. finish() needs its number when the outcome is known.
struct LoginTask {
    std::uint64_t number = 0;
    auth::LoginCheck check;
    auth::LoginSource source{};
    auth::Standing standing = auth::Standing::unknown;
};

/// The standings that a carrier accepts now, from `best` to `worst`.
struct StandingRange {
    auth::Standing best = auth::Standing::known;
    auth::Standing worst = auth::Standing::suspect;
};

class LoginQueue {
public:
    // Each carrier has these limits for itself, so that a slow carrier does not use up the room of the other.
    static constexpr std::size_t waiting_max = 1000;           // connections
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;  // CONNECT packets, and the input that followed them

    static constexpr std::size_t held_bytes_max = 64 * 1024;  // input of one connection between CONNECT and its answer
    static constexpr std::size_t turns_max = 4096;            // addresses, and also names, whose last turn is kept

    struct Added {
        bool is_in = false;             // false: the queue has no room for the connection
        Connection* evicted = nullptr;  // a connection that was removed to make room; the caller refuses it
    };
    /// Adds a login. `bytes` = size of the connection's CONNECT.
    Added add(Connection& connection, auth::LoginCheck check, const auth::LoginSource& source, std::size_t bytes,
              const auth::LoginGuard& guard, Instant now);
    /// The connection keeps `bytes` more of input while it waits. False when its own limit, or the limit of the
    /// carrier, is reached; nothing is counted then.
    bool hold(const Connection& connection, std::size_t bytes);
    /// The next check for this carrier; nothing when no login within `range` waits. The login stays in the queue until
    /// finish(). The caller decides how many checks are under way at once.
    std::optional<LoginTask> take(auth::Carrier carrier, const auth::LoginGuard& guard, Instant now,
                                  StandingRange range = {});
    /// Removes a waiting connection whose source the guard has blocked meanwhile, and returns it; nullptr when there is
    /// none.
    Connection* remove_blocked(const auth::LoginGuard& guard, Instant now);

    /// A check was carried out: removes its connection and returns it; nullptr when the connection has ended.
    Connection* finish(std::uint64_t number);
    /// Removes a connection that ends. No effect when the connection is not in the queue.
    void forget(const Connection& connection);

    std::size_t size() const { return waiting_.size(); }

private:
    struct Waiting {
        std::uint64_t number = 0;
        Connection* connection = nullptr;
        auth::Carrier carrier = auth::Carrier::worker;
        std::optional<auth::LoginCheck> check;  // nothing while the check is under way
        auth::LoginSource source;
        std::size_t bytes = 0;       // CONNECT, and the input that followed it
        std::size_t held_bytes = 0;  // only the input that followed
    };
    using Place = std::vector<Waiting>::iterator;

    std::size_t& bytes_of(auth::Carrier carrier) { return bytes_[static_cast<std::size_t>(carrier)]; }
    bool has_room(auth::Carrier carrier, std::size_t bytes);
    Place find_victim(auth::Carrier carrier, const auth::LoginSource& newcomer, const auth::LoginGuard& guard,
                      Instant now);
    void note_turn(const Waiting& waiting);
    Connection* erase(Place waiting);

    std::vector<Waiting> waiting_;  // oldest first
    std::uint64_t last_number_ = 0;
    std::array<std::size_t, auth::carrier_count> bytes_{};  // of each carrier
    // Turns are numbered. The last turn of each address, and of each source by its hash. An entry that is missing
    // counts as the longest ago.
    std::unordered_map<NetworkId, std::uint64_t> network_turns_;
    std::unordered_map<std::uint64_t, std::uint64_t> name_turns_;
    std::uint64_t last_turn_ = 0;
};

}  // namespace ledge::session
