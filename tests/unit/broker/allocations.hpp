// Counts what this test binary takes from the heap, through operator new and through malloc (the linker wraps it).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ledge::broker {

/// Bytes allocated and not yet freed.
std::size_t live_bytes();
/// Blocks taken so far.
std::uint64_t allocations();

}  // namespace ledge::broker
