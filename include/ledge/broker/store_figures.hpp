// StoreFigures: what the store tells about itself, for metrics and operators.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/journal/record.hpp"

namespace ledge::broker {

/// How the store was found when the broker started.
enum class Beginning : std::uint8_t {
    whole,     // everything was there, or the store is new
    salvaged,  // the file was damaged: what could be read of it is there
    lost,      // the file was missing or empty although there had been one
    unusable,  // it could not be used, and the configuration says to start without it
};
constexpr std::string_view name_of(Beginning beginning) {
    switch (beginning) {
        case Beginning::whole: return "whole";
        case Beginning::salvaged: return "salvaged";
        case Beginning::lost: return "lost";
        case Beginning::unusable: break;
    }
    return "unusable";
}

/// What the store tells about itself, since the broker's start.
struct StoreFigures {
    bool is_used = false;  // false: there is none, all else is 0
    std::uint64_t commits = 0;
    std::array<std::uint64_t, journal::write_classes> given{};  // bytes of keys and bodies handed over, by WriteClass
    std::uint64_t device_bytes = 0;                             // in pages written, the filesystem's own not counted
    std::uint64_t device_bytes_day = 0;                         // of the last 24 hours, in steps of an hour
    double used_fraction = 0;  // of the ceiling, or of the disk: what is nearer to its end
    Beginning beginning = Beginning::whole;
    std::uint64_t postponements = 0;  // episodes in which commits failed for want of room and were tried again
    Instant waiting_since = never;    // the commit that is tried again, or takes long; never: there is none
    bool is_postponed = false;        // that commit has failed at least once; else the disk has not answered yet
    std::string waiting_reason;
    std::uint64_t bad_rows = 0;  // could not be read as they were written, and were put aside
};

}  // namespace ledge::broker
