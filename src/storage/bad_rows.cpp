// BadRows: notes bad rows, and moves them into the file `bad-rows-N`.
#include "bad_rows.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dump_row.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/os/file.hpp"
#include "row_seal.hpp"
#include "store_dir.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

constexpr std::uint64_t rows_logged_max = 20;
constexpr int files_max = 1000;  // highest N of bad-rows-N

std::string key_text(Table table, Bytes key) {
    if (key.size() != key_size(table)) return "malformed, " + std::to_string(key.size()) + " bytes";
    std::string text = std::to_string(read_u64(key.data()));
    if (key.size() == 16) text += " " + std::to_string(read_u64(key.data() + 8));
    if (key.size() == 10) text += " " + std::to_string(key[8] << 8U | key[9]);
    return text;
}

// Rows that one transaction moves; the pages of the transaction stay in memory.
constexpr std::size_t rows_at_once = 10'000;
constexpr std::size_t chunk_bytes = 1024 * 1024;  // lines are written in pieces of this size

}  // namespace

void BadRows::note(Table table, Bytes key, Bytes value, const char* fault) {
    {
        const std::lock_guard lock(mutex_);
        // A row that is read again and again counts once.
        if (!noted_.try_emplace({table, {key.begin(), key.end()}}, Noted{checksum_of(value), fault}).second) return;
        if (++count_ > rows_logged_max) return;
    }
    log_row(table, key, fault);
}

void BadRows::log_row(Table table, Bytes key, const char* fault) {
    log_.error("store_bad_row", {{"table", traits_of(table).name}, {"key", key_text(table, key)}, {"reason", fault}});
}

void BadRows::collect(Table table, Bytes key, Bytes value, const char* fault) {
    collected_ += dump_row(table, {key, value, fault});
    ++collected_rows_;
    // If the write fails, the lines stay. write_collected() tries again and reports the error.
    if (collected_.size() >= chunk_bytes && write_file(collected_, false)) collected_.clear();
    if (++count_ <= rows_logged_max) log_row(table, key, fault);
}

int BadRows::write_collected() {
    if (collected_rows_ == 0) return lmdb_ok;
    if (!write_file(collected_, true)) return errno;
    log_.error("store_bad_rows_moved", {{"rows", collected_rows_}, {"path", path_}});
    collected_.clear();
    collected_rows_ = 0;
    return lmdb_ok;
}

std::uint64_t BadRows::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

bool BadRows::has_noted() const {
    const std::lock_guard lock(mutex_);
    return !noted_.empty() && !has_failed_;
}

BadRows::Rows BadRows::extract_noted() {
    const std::lock_guard lock(mutex_);
    Rows rows;
    // After a failure the rows stay noted, so they are not counted again.
    while (!has_failed_ && !noted_.empty() && rows.size() < rows_at_once)
        rows.insert(rows.end(), noted_.extract(noted_.begin()));
    return rows;
}

int BadRows::move_to_file(Txn& txn, const Tables& tables) {
    Rows rows = extract_noted();
    if (rows.empty()) return lmdb_ok;
    bool is_written = true;
    std::string lines;
    for (auto row = rows.begin(); row != rows.end();) {
        const auto& [table, key] = row->first;
        const auto value = txn.get(tables[table], key);
        // The core may have written a sound value under the same key since the row was noted.
        const bool is_unchanged = value && checksum_of(value.value()) == row->second.checksum;
        if (is_unchanged) lines += dump_row(table, {key, value.value(), row->second.fault});
        row = is_unchanged ? std::next(row) : rows.erase(row);
        if (lines.size() < chunk_bytes) continue;
        is_written = is_written && write_file(lines, false);
        lines.clear();
    }
    if (rows.empty()) return lmdb_ok;
    if (!is_written || !write_file(lines, true)) {
        // The rows stay in their tables, and every read skips them. The next start tries again.
        has_failed_ = true;
        log_.error("store_bad_rows_not_moved", {{"reason", path_ + ": " + explain(errno)}});
        return lmdb_ok;
    }
    LEDGE_ASSERT(rows.size() <= rows_at_once);
    // The file is durable now: a row that leaves its table is not lost.
    for (const auto& [place, noted] : rows) {
        if (const int code = remove(txn, tables, place)) return code;
    }
    log_.error("store_bad_rows_moved", {{"rows", rows.size()}, {"path", path_}});
    return lmdb_ok;
}

// Erases the row. A bad row of `fresh` becomes a row `dropped` instead: the table `retained` may have an older state of
// the message, which must not come back.
int BadRows::remove(Txn& txn, const Tables& tables, const Place& place) {
    const auto& [table, key] = place;
    if (table != Table::fresh || !is_key(table, key)) return txn.erase(tables[table], key);
    return put_row(txn, tables, table, key, encode_fresh_head(FreshKind::dropped));
}

bool BadRows::write_file(const std::string& lines, bool is_durable) {
    if (path_.empty() && !open_file()) return false;
    const os::Descriptor file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) return false;
    int code = os::write_all(file.get(), lines);
    if (code == 0 && is_durable) code = os::sync_file(file.get());
    if (code != 0) errno = code;
    return code == 0;
}

/// Creates the file of this run under the first free name. False = the file cannot be created; errno says why.
bool BadRows::open_file() {
    for (int n = 1; n <= files_max; ++n) {
        path_ = directory_ + "/bad-rows-" + std::to_string(n);
        const os::Descriptor file = os::create_private_file(path_);
        if (!file.is_open() && errno == EEXIST) continue;
        if (!file.is_open()) return false;
        const os::Descriptor directory = os::open_directory(directory_);
        const bool is_named = directory.is_open() && os::sync_file(directory.get()) == 0;
        if (is_named) give_to_owner_of(directory.get(), file.get());
        return is_named;
    }
    return false;
}

}  // namespace ledge::storage
