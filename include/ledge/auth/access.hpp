// Access: what a rule allows or denies.
#pragma once

#include <cstdint>

namespace ledge::auth {

enum class Access : std::uint8_t { read = 1, write = 2, read_write = 3 };

}  // namespace ledge::auth
