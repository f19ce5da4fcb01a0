// The tools behind `ledgemq store` and `ledgemq sessions --store`. The functions that only read (print_info, verify,
// dump) accept the store's directory or a single file, for example a quarantined one. A child process reads the file
// first, so that a damaged file cannot end the caller. Errors are sentences for an operator.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

using Print = std::function<void(std::string_view)>;

/// Prints sizes, row counts, the clock and the process that uses the store. A broker may be running.
Result<bool, Error> print_info(const std::string& path, const Print& print);

/// Reads everything and prints every problem on a line; true = no problem. A broker may be running: the tool reads one
/// snapshot, and until it ends the broker cannot reuse the pages that it frees.
Result<bool, Error> verify(const std::string& path, const Print& print);

/// Prints every row as a JSON object on a line. No broker may use the store.
Result<bool, Error> dump(const std::string& path, const Print& print);

/// Rewrites the file without free pages. No broker may use the store, and the disk needs room for the copy. The old
/// file stays until the new one is on stable storage.
Result<bool, Error> compact(const std::string& path, const Print& print);

/// Copies the store in the directory `path` to the new file `target`. The copy has the state after one commit, is on
/// stable storage and has been read completely. A broker may be running: its file grows meanwhile by the bytes that it
/// commits. A copy that takes longer than ten minutes is given up. No existing file is overwritten.
Result<bool, Error> backup(const std::string& path, const std::string& target, const Print& print);

/// Makes a store in the directory `path` from the file `backup`, after reading the backup completely. No broker may use
/// the directory. `replaces`: an existing store is kept under another name; without it an existing store is an error.
Result<bool, Error> restore(const std::string& backup, const std::string& path, bool replaces, const Print& print);

/// Prints every session of the store in the directory `path` as a JSON object on a line. No broker may use the store.
Result<bool, Error> list_sessions(const std::string& path, const Print& print);

/// Ends a session: the next start of the broker removes its queue and its subscriptions. No broker may use the store.
Result<bool, Error> remove_session(const std::string& path, std::string_view client_id);

}  // namespace ledge::storage
