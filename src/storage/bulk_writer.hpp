// BulkWriter: many rows into a file that nobody else uses yet, in transactions of a few MiB each.
#pragma once

#include <optional>

#include "tables.hpp"

namespace ledge::storage {

class BulkWriter {
public:
    BulkWriter(const Env& env, const Tables& tables) : env_(env), tables_(tables) {}

    /// 0 or a code; after a code nothing more is written.
    int put(Table table, Bytes key, Bytes body);
    /// Commits what is left.
    int finish();

private:
    const Env& env_;
    const Tables& tables_;
    std::optional<Txn> txn_;
    std::size_t bytes_ = 0;  // in txn_
    int code_ = lmdb_ok;
};

}  // namespace ledge::storage
