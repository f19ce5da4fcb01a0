// OwnerFigure: one owner and one of the sums of its account, for operators.
#pragma once

#include <cstdint>
#include <string>

namespace ledge::session {

struct OwnerFigure {
    std::string owner;
    std::uint64_t value = 0;
};

}  // namespace ledge::session
