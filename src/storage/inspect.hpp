// inspect: checks whether a file is a sound store. A child process reads the file, because a damaged file may end the
// process that reads it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "guarded.hpp"
#include "schema.hpp"

namespace ledge::storage {

enum class Depth : std::uint8_t {
    heads,       // the rows that a start reads: all tables except the messages
    everything,  // all pages and all rows, and whether the rows fit together
};

struct Inspection {
    GuardedEnd end = GuardedEnd::fine;
    std::uint64_t problem_count = 0;
    std::vector<std::string> problems;  // the first 20 problems, as sentences
    std::string damage;                 // the first problem of the file itself, not of a single row
    std::string obstacle;               // why the file could not be read, when the file is not the cause
    std::array<std::uint64_t, table_count> rows{};

    /// The pages of the file cannot be trusted. Bad rows on sound pages are not damage in this sense: BadRows moves
    /// them out one by one.
    bool is_damaged() const { return !damage.empty() || end == GuardedEnd::killed; }
    bool is_complete() const { return end == GuardedEnd::fine; }
    /// Everything was read, and no problem was found.
    bool is_fine() const { return is_complete() && problem_count == 0; }
    /// One line: the damage, or else the first problem, or else how the reading ended.
    std::string summary() const;
};

/// `is_alone`: no other process has the file open. Otherwise the inspection reads the newest snapshot, and the broker
/// cannot reuse the pages that it frees until the inspection ends.
Inspection inspect(const std::string& path, bool is_alone, Depth depth);

}  // namespace ledge::storage
