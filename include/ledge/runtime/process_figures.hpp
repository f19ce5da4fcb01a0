// ProcessFigures: what the operating system tells about this process, for the metrics that Prometheus names process_*.
// Reading them costs some system calls and no waiting. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledge::runtime {

struct ProcessFigures {
    std::uint64_t virtual_bytes = 0;    // address space
    std::uint64_t resident_bytes = 0;   // in RAM, with the pages of mapped files
    std::uint64_t anonymous_bytes = 0;  // in RAM, without them: heap and stacks
    std::uint64_t cpu_us = 0;           // time on a processor, in the kernel and outside of it
    // Empty = the system does not tell, or counting would take too long.
    std::optional<std::uint64_t> open_descriptors;
    std::uint64_t descriptors_max = 0;       // 0 = unlimited
    std::optional<std::uint64_t> started_s;  // seconds since 1970; empty = the wall clock was never set
};

/// Reads everything but `started_s`. `root` is a prefix for every path that is read, so that a test can provide a
/// directory of its own.
ProcessFigures read_process_figures(const std::string& root = {});

/// The open descriptors that the folder shows: those that the system counts by itself (Linux 6.2 and later), otherwise
/// at most `entries_max` entries, because each costs about a microsecond. Empty = the folder has more entries.
std::optional<std::uint64_t> count_descriptors(const std::string& folder, std::uint64_t entries_max = 4096);

}  // namespace ledge::runtime
