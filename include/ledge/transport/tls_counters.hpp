// TlsCounters: what came of the handshakes of a listener, or of several.
#pragma once

#include <cstdint>

namespace ledge::transport {

struct TlsCounters {
    std::uint64_t full = 0;     // agreed, with all the arithmetic
    std::uint64_t resumed = 0;  // agreed, by taking up an earlier session
    std::uint64_t failed = 0;   // timed out too
    std::uint64_t refused = 0;  // not begun: too many waited

    TlsCounters& operator+=(const TlsCounters& other) {
        full += other.full;
        resumed += other.resumed;
        failed += other.failed;
        refused += other.refused;
        return *this;
    }
};

}  // namespace ledge::transport
