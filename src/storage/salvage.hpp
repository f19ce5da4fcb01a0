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
    std::uint64_t misfits = 0;                      // read, but of no use without rows that were lost
};

/// Copies rows of `damaged` into the empty tables of `env`. Each table is read from its front and, where that ends
/// early, from its back. 0, or why the new store cannot be written.
int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged);

}  // namespace ledge::storage
