// LoginGuard: who guesses passwords has to wait, and nobody else. Wrong ones are counted per address and user name: a
// device with an old password keeps only itself out, not the site behind the same address. Names that nobody has count
// together, per address. Beyond a number of failures such a pair is refused for a while without a look at its
// credentials. The guard also says whose login is checked first when many wait.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ledge/base/network.hpp"
#include "ledge/base/time.hpp"

namespace ledge::auth {

struct LoginLimits {
    std::uint32_t failures_max = 20;  // wrong passwords of one name at one address within `window`; 0: any number
    Duration window = 60s;
    Duration block_time = 60s;  // how long they are refused then
};

/// Whose login it is: a user name at an address. Peers without an address (Unix sockets) are never counted.
struct LoginSource {
    NetworkId network = NetworkId::none;
    std::uint64_t name = 0;  // a hash; 0: no name, or one that nobody has

    friend bool operator==(const LoginSource&, const LoginSource&) = default;
};

struct LoginSourceHash {
    std::size_t operator()(const LoginSource& source) const {
        return source.name ^ static_cast<std::uint64_t>(source.network) * 0x9E37'79B9'7F4A'7C15U;
    }
};

/// In whose favour it is decided when not everybody's login can be checked at once. In this order.
enum class Standing : std::uint8_t {
    known,     // this name has logged in from this address, and has not failed there since
    named,     // this name has logged in from elsewhere, or owns a session, and has not failed at this address
    stranger,  // nothing is known, and this address has not failed
    suspect,   // the address has failed lately
};
inline constexpr std::size_t standings = 4;

class LoginGuard {
public:
    static constexpr std::size_t entries_max = 4096;  // of failures; beyond: what failed longest ago is forgotten
    static constexpr std::size_t names_max = 16'384;  // that are remembered, and as many pairs; beyond: no more

    /// `seed`: so that nobody finds two names of the same hash.
    explicit LoginGuard(std::uint64_t seed = 0) : seed_(seed) {}
    void set_limits(const LoginLimits& limits) { limits_ = limits; }

    /// `name`: as the client gives it. `is_unknown`: no user has it.
    LoginSource source_of(NetworkId network, std::string_view name, bool is_unknown = false) const;

    bool is_blocked(const LoginSource& source, Instant now) const;
    Standing standing_of(const LoginSource& source, Instant now) const;

    /// A wrong password. True when it blocks the source.
    bool on_failure(const LoginSource& source, Instant now);
    /// Nobody has said whether it is right, and that may be the fault of the question: the address is a suspect.
    void on_unanswered(const LoginSource& source, Instant now);
    void on_success(const LoginSource& source);
    /// This name owns a session that was kept.
    void note_name(std::string_view name);

    std::size_t size() const { return failures_.size(); }

private:
    struct Failures {
        std::uint32_t count = 0;
        Instant since{};  // of the first of them
        Instant blocked_until = Instant::min();
    };

    std::uint64_t hash_of(std::string_view name) const;
    bool has_failed(const LoginSource& source, Instant now) const;
    void suspect(NetworkId network, Instant now);
    template <class Map>
    static void make_room(Map& map);

    std::uint64_t seed_;
    LoginLimits limits_;
    std::unordered_map<LoginSource, Failures, LoginSourceHash> failures_;
    std::unordered_map<NetworkId, Failures> suspects_;  // of them only `since` counts
    std::unordered_set<LoginSource, LoginSourceHash> known_;
    std::unordered_set<std::uint64_t> names_;
};

}  // namespace ledge::auth
