// OtaFigures: counts of the server of firmware images. Plain values.
#pragma once

#include <cstdint>

namespace ledge::ota {

/// Counted since the start of the process.
struct OtaFigures {
    std::uint64_t images = 0;   // that can be fetched now
    std::uint64_t blocks = 0;   // answers with data
    std::uint64_t bytes = 0;    // of the data in them
    std::uint64_t refused = 0;  // requests with an error as their answer, or without an answer: no place for them
    std::uint64_t waiting = 0;  // requests that wait for the rate, or for the first look at the directory
    friend bool operator==(const OtaFigures&, const OtaFigures&) = default;
};

}  // namespace ledge::ota
