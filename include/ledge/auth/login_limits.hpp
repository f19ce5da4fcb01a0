// LoginLimits: how many wrong passwords LoginGuard allows. An option of the policy.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge::auth {

struct LoginLimits {
    std::uint32_t failures_max = 20;  // wrong passwords of one name from one address within `window`; 0 = no limit
    Duration window = 60s;
    Duration block_time = 60s;  // how long the name is refused at the address afterwards
};

}  // namespace ledge::auth
