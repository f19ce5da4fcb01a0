// Salvage: what still reads of a damaged file, into a new store.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tables.hpp"

namespace ledge::storage {

struct Salvaged {
    bool has_meta = false;                          // numbers and clock go on
    std::array<std::uint64_t, table_count> rows{};  // kept
    std::uint64_t bad_rows = 0;                     // not as they were written, and left out
    std::uint64_t misfits = 0;                      // read, but of no use without rows that were lost
    std::uint64_t sessions_incomplete = 0;          // they have lost a row, or may have
};

/// Copies rows of `damaged` into the empty tables of `env`. Each table is read from its front and, where that ends
/// early, from its back. Sessions that have lost a row get the mark of it. 0, or why the new store cannot be written.
int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged);

}  // namespace ledge::storage
