// BadRows: moves rows that cannot be used out of their tables. The log reports each bad row (the first 20 of them).
// With the next commit the row moves into the file `bad-rows-N` beside the store, as a line of JSON with the bytes of
// the row in hex, so that an operator can still inspect the row. The broker never reads this file; README.md explains
// why the rows go to a file and not to a table.
//
// The store owns one BadRows. The reading thread notes rows, the committing thread moves them.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/log.hpp"
#include "tables.hpp"

namespace ledge::storage {

class BadRows {
public:
    BadRows(std::string directory, const Log& log) : directory_(std::move(directory)), log_(log) {}

    /// Notes a row that cannot be used, and logs `fault`. A row that is noted already is not noted or counted again.
    void note(Table table, Bytes key, Bytes value, const char* fault);
    /// Rows noted so far.
    std::uint64_t count() const;

    /// Noted rows wait for move_to_file(). False after a failed write of the file: a further try waits for a restart.
    bool has_noted() const;
    /// Moves at most 10,000 noted rows that have not changed since. The rows are first written to the file, durably,
    /// and then removed from the tables in `txn`. When the file cannot be written, the rows stay in their tables.
    /// Returns 0 or a code.
    int move_to_file(Txn& txn, const Tables& tables);

    // For the upgrade, which leaves bad rows in the old file, because a new file replaces it
    /// Counts and logs the row like note(), and collects its line for the file.
    void collect(Table table, Bytes key, Bytes value, const char* fault);
    /// Writes the collected lines to the file, durably. Returns 0 or errno.
    int write_collected();

private:
    using Place = std::pair<Table, std::vector<Byte>>;
    struct Noted {
        std::uint32_t checksum = 0;  // of the value, to see whether the row has changed since
        const char* fault = nullptr;
    };
    using Rows = std::map<Place, Noted>;

    void log_row(Table table, Bytes key, const char* fault);
    Rows extract_noted();
    bool write_file(const std::string& lines, bool is_durable);
    bool open_file();
    static int remove(Txn& txn, const Tables& tables, const Place& place);

    std::string directory_;
    Log log_;
    mutable std::mutex mutex_;  // protects noted_ and count_
    Rows noted_;
    std::uint64_t count_ = 0;

    // Used on the committing thread only, except has_failed_
    std::string collected_;  // lines that are not written yet
    std::uint64_t collected_rows_ = 0;
    std::string path_;  // of the file of this run; "" = not created yet
    std::atomic<bool> has_failed_ = false;
};

}  // namespace ledge::storage
