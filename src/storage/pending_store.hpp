// PendingStore: a new store that the disk had no room for at the start. There is nothing in it, so the broker serves
// without its file; the first commit for which there is room makes the file.
#pragma once

#include <functional>
#include <memory>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

using OpenStoreFile = std::function<Result<std::unique_ptr<Store>, StoreError>()>;

/// `open` is called on the committer's thread, for each commit until it succeeds; Fault::full: not yet.
std::unique_ptr<Store> make_pending_store(OpenStoreFile open, Beginning beginning);

}  // namespace ledge::storage
