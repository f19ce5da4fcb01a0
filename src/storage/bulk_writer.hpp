// BulkWriter: writes many rows into a file that nobody else uses yet, in transactions of about 4 MiB each. Salvage and
// the upgrade use it.
#pragma once

#include <optional>

#include "tables.hpp"

namespace ledge::storage {

class BulkWriter {
public:
    BulkWriter(const Env& env, const Tables& tables) : env_(env), tables_(tables) {}

    /// Returns 0 or a code. After a code, all later calls write nothing and return the same code.
    int put(Table table, Bytes key, Bytes body);
    /// Commits the rows of the last transaction. Returns 0 or a code.
    int finish();

private:
    const Env& env_;
    const Tables& tables_;
    std::optional<Txn> txn_;
    std::size_t bytes_ = 0;  // of keys and bodies in txn_
    int code_ = lmdb_ok;
};

}  // namespace ledge::storage
