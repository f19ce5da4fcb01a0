// OwnerFigure: the name of an owner and one sum of its account, for diagnostics.
#pragma once

#include <cstdint>
#include <string>

namespace ledge::session {

struct OwnerFigure {
    std::string owner;
    std::uint64_t value = 0;
};

}  // namespace ledge::session
