// BadRows: rows that cannot be used are put aside. The log names each row (the first 20 of them), and with the next
// commit the row moves out of its table into the file `bad-rows-N` beside the store: a line of JSON with the bytes of
// the row in hex, so that nothing is lost for an operator who wants to look. The broker never reads that file;
// README.md says why it is a file and not a table.
//
// Noted on the thread that reads, moved on the one that commits.
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

    /// The row cannot be used. A row that is noted already is not noted again.
    void note(Table table, Bytes key, Bytes value, const char* fault);
    /// Rows noted so far.
    std::uint64_t count() const;

    /// Some wait for move_to_file.
    bool has_noted() const;
    /// Moves rows that were noted and have not changed since, 10,000 at most: first into the file, durably, then out of
    /// the tables with `txn`. When the file cannot be written, they stay where they are. 0 or a code.
    int move_to_file(Txn& txn, const Tables& tables);

    // For a reader that leaves the rows where they are, in a file that is replaced
    /// Counts and says it like note().
    void collect(Table table, Bytes key, Bytes value, const char* fault);
    /// Writes what was kept to the file, durably. 0 or errno.
    int write_collected();

private:
    using Place = std::pair<Table, std::vector<Byte>>;
    struct Noted {
        std::uint32_t checksum = 0;  // of the value
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
    mutable std::mutex mutex_;  // of noted_ and count_
    Rows noted_;
    std::uint64_t count_ = 0;

    // On the thread that commits
    std::string collected_;  // lines
    std::uint64_t collected_rows_ = 0;
    std::string path_;
    std::atomic<bool> has_failed_ = false;
};

}  // namespace ledge::storage
