// LEDGE_ASSERT checks a condition that only a mistake in the broker's own code can break. The check is on in every
// build. Bytes from a peer, a file or a configuration must never be able to make an assertion fail. Any thread may use
// the macro.
#pragma once

namespace ledge {

/// Prints the expression with its file and line to standard error, and aborts the process.
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace ledge

#define LEDGE_ASSERT(expression)                                 \
    (__builtin_expect(static_cast<bool>(expression), 1) ? void() \
                                                        : ::ledge::assertion_failed(#expression, __FILE__, __LINE__))
