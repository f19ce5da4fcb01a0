// StoreFigures: the state and the counters of the store, for metrics and operators. The committer fills them and hands
// them to the shard with Shard::note_store.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/histogram.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/write_class.hpp"

namespace ledge::broker {

/// The state in which the broker found the store when it started.
enum class StartState : std::uint8_t {
    whole,     // the store was complete, or it is new
    salvaged,  // the file was damaged; the broker continues with the rows that could be read
    lost,      // the file was missing or empty although an earlier run had left one
    unusable,  // the store could not be used, and the configuration says to start without it
};
constexpr std::string_view name_of(StartState start_state) {
    switch (start_state) {
        case StartState::whole: return "whole";
        case StartState::salvaged: return "salvaged";
        case StartState::lost: return "lost";
        case StartState::unusable: break;
    }
    return "unusable";
}

/// Counters run since the broker's start.
struct StoreFigures {
    bool is_used = false;  // false = the broker has no store; all other members keep their defaults
    std::uint64_t commits = 0;
    std::array<std::uint64_t, journal::write_classes> given{};  // bytes of keys and bodies handed over, by WriteClass
    std::uint64_t device_bytes = 0;        // bytes of the pages written; the filesystem's own writes are not counted
    std::uint64_t device_bytes_day = 0;    // device_bytes of the last 24 hours, in steps of one hour
    std::uint64_t daily_budget_bytes = 0;  // of device_bytes_day; 0 = no budget
    double used_fraction = 0;              // of the store's ceiling or of the disk, whichever is closer to full
    std::uint64_t used_bytes = 0;          // of the pages in use; pages that are free for later rows do not count
    std::uint64_t size_max_bytes = 0;      // the store's ceiling, or the size that the disk allows now if that is less
    Histogram commit_us{7};                // durations of the commits, from the first attempt to the report
    Histogram commit_records;              // changes in each of these commits
    StartState start_state = StartState::whole;
    std::uint64_t postponements = 0;  // episodes in which commits had no room on the disk and were tried again
    Instant waiting_since = never;    // start of the commit that is slow or is tried again; never = no commit waits
    bool is_postponed = false;        // true = that commit failed at least once; false = the disk has not answered yet
    std::string waiting_reason;       // why that commit waits, in words
    std::uint64_t bad_rows = 0;       // rows that could not be read as they were written, and were put aside
};

}  // namespace ledge::broker
