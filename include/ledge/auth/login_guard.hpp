// LoginGuard slows down clients that guess passwords, without harm to others. The guard counts wrong passwords per pair
// of address and user name. So a device with an old password blocks only itself, not the other clients behind the same
// address. All unknown user names of one address count as one name. After too many failures, the pair is refused for a
// while, and its password is not checked. The guard also decides whose login is checked first when many logins wait.
// Used on the thread of the shard.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ledge/auth/login_limits.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"

namespace ledge::auth {

/// The source of a login: a user name at an address. Peers without an address (Unix sockets) are never counted.
struct LoginSource {
    NetworkId network = NetworkId::none;
    std::uint64_t name = 0;  // a hash of the name; 0 = no name, or the name of no user

    friend bool operator==(const LoginSource&, const LoginSource&) = default;
};

struct LoginSourceHash {
    std::size_t operator()(const LoginSource& source) const {
        return source.name ^ static_cast<std::uint64_t>(source.network) * 0x9E37'79B9'7F4A'7C15U;
    }
};

/// The priority of a login when many logins wait for their check. The first value has the highest priority. "Failed"
/// means a failed login within LoginLimits::window.
enum class Standing : std::uint8_t {
    known,    // this name has logged in from this address, and has not failed here; or the peer has no address
    named,    // this name has logged in from another address or owns a session, and has not failed at this address
    unknown,  // nothing is known about the name, and no login from this address has failed
    suspect,  // a login from this address has failed
};
inline constexpr std::size_t standings = 4;

class LoginGuard {
public:
    // Entries of failures. When the table is full, the entry with the oldest failure is removed.
    static constexpr std::size_t entries_max = 4096;
    // Known names, and also known pairs of name and address. When a table is full, no name is added.
    static constexpr std::size_t names_max = 16'384;

    /// `seed` is secret, so that nobody can find two names with the same hash.
    explicit LoginGuard(std::uint64_t seed = 0) : seed_(seed) {}
    void set_limits(const LoginLimits& limits) { limits_ = limits; }

    /// `name` is the user name in CONNECT. `is_unknown` means that no user has this name.
    LoginSource source_of(NetworkId network, std::string_view name, bool is_unknown = false) const;

    bool is_blocked(const LoginSource& source, Instant now) const;
    Standing standing_of(const LoginSource& source, Instant now) const;

    /// Counts a wrong password. Returns true if the source is blocked from now on.
    bool on_failure(const LoginSource& source, Instant now);
    /// The hook has not decided about a login. The content of the request may be the cause, so the address becomes a
    /// suspect.
    void on_unanswered(const LoginSource& source, Instant now);
    void on_success(const LoginSource& source);
    /// Records that this name owns a stored session.
    void note_name(std::string_view name);

    std::size_t size() const { return failures_.size(); }

private:
    struct Failures {
        std::uint32_t count = 0;
        Instant since{};  // time of the first failure in the window
        Instant blocked_until = Instant::min();
    };

    std::uint64_t hash_of(std::string_view name) const;
    bool has_failed(const LoginSource& source, Instant now) const;
    void mark_suspect(NetworkId network, Instant now);
    template <class Map>
    static void make_room(Map& map);

    std::uint64_t seed_;
    LoginLimits limits_;
    std::unordered_map<LoginSource, Failures, LoginSourceHash> failures_;
    std::unordered_map<NetworkId, Failures> suspects_;  // only the member `since` is used: the last failure
    std::unordered_set<LoginSource, LoginSourceHash> known_;
    std::unordered_set<std::uint64_t> names_;
};

}  // namespace ledge::auth
