// Counts what this test binary takes from the heap, through operator new and through malloc (the linker wraps it).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ledge::broker {

/// Bytes allocated and not yet freed.
std::size_t live_bytes();
/// Blocks taken so far.
std::uint64_t allocations();
/// The n-th allocation from now on finds no memory (1: the next), and all after it; 0: none does.
void fail_allocations_from(std::uint64_t nth);

}  // namespace ledge::broker
