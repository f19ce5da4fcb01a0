// OwnerId: who limits are charged to. The user name that a client has proven; without one, the network of its address.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge {

enum class OwnerId : std::uint64_t {};

/// `user`: proven, or "" for nobody. A user is one owner wherever he connects from.
inline OwnerId owner_of(std::string_view user, NetworkId network) {
    constexpr std::uint64_t user_mark = 1ULL << 63U;  // no network in use has it: the internet's are 2000::/3
    if (user.empty()) return OwnerId{static_cast<std::uint64_t>(network) & ~user_mark};
    return OwnerId{std::hash<std::string_view>{}(user) | user_mark};
}

}  // namespace ledge
