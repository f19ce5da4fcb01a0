// Opens the store of the daemon: one LMDB file in its own directory. src/storage/schema.hpp describes the layout. The
// thread that starts the broker calls this, before other threads exist.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ledge/base/log.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

struct LmdbStoreOptions {
    std::string path;  // of the directory; it is created if its parent exists
    /// Upper limit of the file size, reserved as address space. A larger existing file raises the limit to its own
    /// size. 32-bit machines use at most 512 MiB.
    std::uint64_t size_max_bytes = 1024ULL * 1024 * 1024;
    WallClock wall_clock = nullptr;  // nullptr = no calendar; logical time stands still between runs
};

/// Checks the file in a child process, so that a damaged file cannot end the broker, and opens the store. A damaged
/// file, or a file that is not a LedgeMQ store, is renamed; its readable rows are copied into a new store, and the log
/// reports an error. Call this before other threads exist, because it forks.
Result<std::unique_ptr<Store>, Error> open_lmdb_store(const LmdbStoreOptions& options, const Log& log);

}  // namespace ledge::storage
