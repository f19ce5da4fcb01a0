// The rights of operators, and the tokens that give them. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge::admin {

enum class Right : std::uint8_t {
    read,  // to see everything
    act,   // to see everything and to change the broker
};

inline std::string_view name_of(Right right) { return right == Right::act ? "act" : "read"; }

struct AdminToken {
    std::string name;    // for log lines
    std::string secret;  // the line of its file
    Right right = Right::read;
};

}  // namespace ledge::admin
