// Upgrades of the schema, one step at a time, within the transaction that opens the store.
#pragma once

#include <span>

#include "tables.hpp"

namespace ledge::storage {

struct Upgrade {
    std::uint32_t from;  // leads to from + 1
    int (*run)(Txn& txn, const Tables& tables);
};

/// Every step from the first version to schema_version, in order.
std::span<const Upgrade> upgrades();

/// Brings the store from meta.version to the version after the last step and writes the meta row if there was one to
/// go. 0 or a code; lmdb_not_found: no step begins at this version.
int upgrade(Txn& txn, const Tables& tables, Meta& meta, std::span<const Upgrade> steps,
            std::uint32_t to = schema_version);

}  // namespace ledge::storage
