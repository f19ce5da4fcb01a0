// What the system says about memory: of this process, and how much there is.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::runtime {

/// Bytes of this process that are in memory; 0: the system does not say.
std::uint64_t resident_bytes();

/// Bytes that the broker may use where nobody says otherwise: half of the machine's memory, or three quarters of what
/// its control group allows, if that is less. 0: the system says neither.
std::uint64_t usual_memory_budget();

/// The same from what the system says. `machine`: bytes, 0: not known. `group`: the content of memory.max, "max" or a
/// number of bytes; "": there is none.
std::uint64_t usual_memory_budget(std::uint64_t machine, std::string_view group);

}  // namespace ledge::runtime
