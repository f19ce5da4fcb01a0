// PendingStore: a new store whose file could not be made at the start, because the disk was full. The store is empty,
// so the broker can serve clients without the file. The first commit that finds room makes the file.
#pragma once

#include <functional>
#include <memory>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

using OpenStoreFile = std::function<Result<std::unique_ptr<Store>, Error>()>;

/// The committer's thread calls `open` for each commit until it succeeds. An error for which may_retry() is true means:
/// try again later; any other error is final.
std::unique_ptr<Store> make_pending_store(OpenStoreFile open, StartState start_state);

}  // namespace ledge::storage
