// What a fuzz target does when a promise is broken: say which, and abort, so that the input is kept.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ledge::fuzz {

inline void require(bool is_true, const char* promise) {
    if (is_true) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

}  // namespace ledge::fuzz
