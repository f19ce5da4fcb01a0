// Inspection: does a store file read as what it should be? In a child process, since a damaged one may end it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "guarded.hpp"
#include "schema.hpp"

namespace ledge::storage {

enum class Depth : std::uint8_t {
    heads,       // what a start reads: everything but the messages
    everything,  // all rows, and that they fit each other
};

struct Inspection {
    GuardedEnd end = GuardedEnd::fine;
    std::uint64_t problem_count = 0;
    std::vector<std::string> problems;  // the first ones, as sentences
    std::string damage;                 // the first of those that are of the file, not of single rows
    std::string obstacle;               // what kept the reading from being done, without being the file's fault
    std::array<std::uint64_t, table_count> rows{};

    /// The pages of the file cannot be trusted. Bad rows on good pages are none of this: they are put aside one by one.
    bool is_damaged() const { return !damage.empty() || end == GuardedEnd::killed; }
    bool is_complete() const { return end == GuardedEnd::fine; }
    /// Everything was read, and is right.
    bool is_fine() const { return is_complete() && problem_count == 0; }
    /// One line: the damage, the first problem, or how the reading ended.
    std::string summary() const;
};

/// `is_alone`: nobody else has the file open. Otherwise the newest snapshot is read, and pages that a broker frees
/// meanwhile stay in use until this ends.
Inspection inspect(const std::string& path, bool is_alone, Depth depth);

}  // namespace ledge::storage
