// OwnerId names the owner whose use counts against a limit: the user whom a client has proven to be, or, without a
// proven user name, the network of the client's address. Stateless.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge {

enum class OwnerId : std::uint64_t {};

/// `user` is a proven user name, or empty. A user is the same owner from every address.
inline OwnerId owner_of(std::string_view user, NetworkId network) {
    // The top bit tells users from networks. No network of the public internet (2000::/3) has this bit.
    constexpr std::uint64_t user_mark = 1ULL << 63U;
    if (user.empty()) return OwnerId{static_cast<std::uint64_t>(network) & ~user_mark};
    return OwnerId{std::hash<std::string_view>{}(user) | user_mark};
}

}  // namespace ledge
