// What `ledgemq store` does with a store. Each takes the store's directory, or one file of it (a quarantined one).
// All reading is done in a child process: a damaged file cannot hurt the caller.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

using Print = std::function<void(std::string_view)>;

/// Sizes, rows, clock and holder, as lines. Beside a running broker, too.
Result<bool, StoreError> print_info(const std::string& path, const Print& print);

/// Reads everything and says what is wrong, as lines. true: nothing is. Beside a running broker, too: it reads one
/// snapshot, and the broker cannot use pages again that it frees meanwhile.
Result<bool, StoreError> verify(const std::string& path, const Print& print);

/// Every row as a JSON object on a line. Only a store that nobody uses.
Result<bool, StoreError> dump(const std::string& path, const Print& print);

/// Rewrites the file without free pages. Only a store that nobody uses; needs room for the copy. The old file stays
/// until the new one is on stable storage.
Result<bool, StoreError> compact(const std::string& path, const Print& print);

}  // namespace ledge::storage
