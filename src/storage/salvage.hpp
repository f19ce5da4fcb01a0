// Salvage: copies the readable rows of a damaged file into a new store. Runs at the start, before other threads exist;
// child processes read the damaged file.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tables.hpp"

namespace ledge::storage {

struct Salvaged {
    bool has_meta = false;                          // the meta row was read: numbers and clock continue
    std::array<std::uint64_t, table_count> rows{};  // rows in the new store
    std::uint64_t bad_rows = 0;                     // rows that are not as they were written; left out
    std::uint64_t misfits = 0;                      // rows that were read, but are useless without lost rows; left out
    std::uint64_t sessions_incomplete = 0;          // sessions that have lost a row, or may have lost one
};

/// Copies rows of the file `damaged` into the empty tables of `env`. Each table is read from its first row on; if this
/// reading ends early, the table is also read backward from its last row. Sessions that have lost a row get the flag
/// `incomplete`. Returns 0, or a code that says why the new store cannot be written.
int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged);

}  // namespace ledge::storage
