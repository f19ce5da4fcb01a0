// TlsCounters: the outcomes of the TLS handshakes of one listener, or the sums over several listeners.
#pragma once

#include <cstdint>

namespace ledge::transport {

struct TlsCounters {
    std::uint64_t full = 0;     // complete, with public key arithmetic
    std::uint64_t resumed = 0;  // complete, by resuming an earlier session
    std::uint64_t failed = 0;   // failed or timed out
    std::uint64_t refused = 0;  // not begun, because too many handshakes waited

    TlsCounters& operator+=(const TlsCounters& other) {
        full += other.full;
        resumed += other.resumed;
        failed += other.failed;
        refused += other.refused;
        return *this;
    }
};

}  // namespace ledge::transport
