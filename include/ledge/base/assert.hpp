// LEDGE_ASSERT: "we are wrong". On in every build. No byte from a peer may reach a failing one.
#pragma once

namespace ledge {

/// Prints the expression and its place to standard error and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace ledge

#define LEDGE_ASSERT(expression)                                 \
    (__builtin_expect(static_cast<bool>(expression), 1) ? void() \
                                                        : ::ledge::assertion_failed(#expression, __FILE__, __LINE__))
