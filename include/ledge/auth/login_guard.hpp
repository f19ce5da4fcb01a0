// LoginGuard: who guesses passwords has to wait. Wrong ones are counted per address (an IPv6 network of 64 bits is one
// address; peers without an address, on Unix sockets, are not counted); beyond a number of them the address is refused
// for a while without a look at its credentials.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::auth {

struct LoginLimits {
    std::uint32_t failures_max = 20;  // wrong passwords of one address within `window`; 0: any number
    Duration window = 60s;
    Duration block_time = 60s;  // how long the address is refused then
};

class LoginGuard {
public:
    static constexpr std::size_t addresses_max = 4096;  // beyond: the one that failed longest ago is forgotten

    explicit LoginGuard(const LoginLimits& limits = {}) : limits_(limits) {}
    void set_limits(const LoginLimits& limits) { limits_ = limits; }

    /// `peer` as in Connection::address: "192.0.2.7:51123", "[2001:db8::1]:51123", "unix".
    bool is_blocked(std::string_view peer, Instant now) const;
    /// It has failed lately: others come first.
    bool is_suspect(std::string_view peer, Instant now) const;
    /// True when this failure blocks the address.
    bool on_failure(std::string_view peer, Instant now);

    std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::string address;
        std::uint32_t failures = 0;
        Instant since{};  // of the first of them
        Instant blocked_until{};
    };

    const Entry* find(std::string_view peer) const;
    Entry& make_room(std::string address);

    LoginLimits limits_;
    std::vector<Entry> entries_;
};

/// What counts as one address: "192.0.2.7"; of IPv6 the first four groups, "2001:db8:0:0"; "" for what is neither.
std::string address_of(std::string_view peer);

}  // namespace ledge::auth
