// MemoryMeter: what the broker holds on the heap. The simulation's operator new and delete count while a scope is open,
// and a scope is open exactly while the broker runs: it frees what it has allocated, nobody else does.
#pragma once

#include <cstdint>

namespace ledge::sim {

class MeterScope {
public:
    MeterScope();
    ~MeterScope();
    MeterScope(const MeterScope&) = delete;
    MeterScope& operator=(const MeterScope&) = delete;
};

/// Bytes allocated minus bytes freed within scopes, since the start of the program.
std::int64_t metered_bytes();

}  // namespace ledge::sim
