// MemoryMeter: the bytes that one part of a test program holds on the heap, for example the broker or the relay. The
// operator new and delete of the program count while a scope is open. A scope must be open exactly while this part
// runs, so that the part itself frees what it has allocated.
#pragma once

#include <cstdint>

namespace ledge::support {

class MeterScope {
public:
    MeterScope();
    ~MeterScope();
    MeterScope(const MeterScope&) = delete;
    MeterScope& operator=(const MeterScope&) = delete;
};

/// Bytes allocated minus bytes freed within scopes, since the start of the program.
std::int64_t metered_bytes();

}  // namespace ledge::support
