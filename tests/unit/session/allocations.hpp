// Counts what this test binary takes from the heap through operator new.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ledge::session {

/// Bytes allocated and not yet freed.
std::size_t live_bytes();
/// Calls of operator new so far.
std::uint64_t allocations();

}  // namespace ledge::session
