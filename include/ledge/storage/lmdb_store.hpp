// The store of the daemon: one LMDB file in a directory of its own (layout: src/storage/schema.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

struct LmdbStoreOptions {
    std::string path;  // directory; created if its parent exists
    /// Ceiling of the file, reserved as address space; a file that is larger raises it. 32-bit machines: 512 MiB.
    std::uint64_t size_max_bytes = 1024ULL * 1024 * 1024;
    WallClock wall_clock = nullptr;  // nullptr: no calendar, logical time stands still between runs
};

/// Opens, after checks that cannot end the process; a file that is damaged or no store of ours is put aside under
/// another name and what still reads is taken over, with an error in the log. Before other threads exist: it forks.
Result<std::unique_ptr<Store>, StoreError> open_lmdb_store(const LmdbStoreOptions& options, const Log& log);

}  // namespace ledge::storage
