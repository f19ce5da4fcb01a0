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

/// Copies the store in the directory `path` to the new file `target`: the state at one commit, on stable storage, read
/// to its end. Also beside a running broker, whose file grows meanwhile by what it commits; after ten minutes it is
/// given up. Nothing is overwritten.
Result<bool, StoreError> backup(const std::string& path, const std::string& target, const Print& print);

/// Makes a store in the directory `path` from the file `backup`, which is read to its end first. Only a directory that
/// nobody uses. `replaces`: a store that is there is kept under another name; else it is an error.
Result<bool, StoreError> restore(const std::string& backup, const std::string& path, bool replaces, const Print& print);

/// Every session of the store in the directory `path` as a JSON object on a line. Only a store that nobody uses.
Result<bool, StoreError> list_sessions(const std::string& path, const Print& print);

/// Ends a session: the next start of a broker takes down what waits for it. Only a store that nobody uses.
Result<bool, StoreError> remove_session(const std::string& path, std::string_view client_id);

}  // namespace ledge::storage
