// inspect: a child process reads the file and sends lines to the parent. "d SENTENCE" reports damage of the file,
// "b SENTENCE" a bad row or rows that do not fit together, "o SENTENCE" an obstacle, "r TABLE COUNT" the number of rows
// of a table, and "." is a sign of life.
#include "inspect.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/os/file.hpp"
#include "page_check.hpp"
#include "row_reader.hpp"
#include "store_dir.hpp"
#include "table_traits.hpp"
#include "tables.hpp"

namespace ledge::storage {
namespace {

constexpr int inspect_silence_max_ms = 60'000;
constexpr std::uint64_t rows_per_sign_of_life = 50'000;
constexpr std::uint64_t bytes_per_sign_of_life = 16 * 1024 * 1024;  // a slow card reads this in a few seconds
constexpr std::size_t problems_kept_max = 20;

/// The inspection itself, in the child process.
class Inspector {
public:
    Inspector(GuardedOut& out, Depth depth) : out_(out), depth_(depth) {}

    bool inspect(const std::string& path, bool is_alone) {
        auto env = Env::open({.path = path, .is_read_only = true, .is_alone = is_alone});
        if (!env) return report_error("cannot be opened", env.error());
        // Read before the transaction begins, so the number of pages cannot be newer than the snapshot.
        const EnvFacts facts = env->facts();
        auto txn = Txn::begin(*env, true);
        if (!txn) return report_error("cannot be read", txn.error());
        if (is_cut_off(*txn, facts, os::file_size(path))) return report_damage("the file is cut off");
        // The pages are checked before LMDB follows them. If a broker commits meanwhile, it does not reuse the pages of
        // this snapshot.
        const auto fault = depth_ == Depth::everything
                               ? fault_in_pages(path, txn->snapshot(), [this] { sign_of_life(); })
                               : std::nullopt;
        if (fault) report_damage(*fault);
        const MetaRows rows = read_meta_rows(*txn);
        // A file without rows is sound: the open writes its meta row.
        if (!rows.is_ours) return is_empty(*txn) || report_damage("not a store of this broker");
        if (rows.meta && rows.meta->version > schema_version) return true;  // the open reports the newer version
        auto tables = Tables::open(*txn, false);
        if (!tables) return report_error("a table is missing", tables.error());
        // A bad meta row and not damage of the file, because its content can be recovered from the copy or from the
        // other rows.
        if (rows.fault != nullptr) report_bad_row(rows.fault);
        reader_ = RowReader(rows.meta ? rows.meta->version : version_of_rows(*txn, *tables));
        for (const Table table : all_tables) inspect_table(*txn, *tables, table);
        if (depth_ == Depth::everything) check_references(rows.meta);
        return is_sound_;
    }

private:
    /// Whether pages in use are missing at the end of the file. A free page may be missing there: LMDB never writes a
    /// page that one transaction has allocated and freed again. `bytes` must be read after the snapshot, because a
    /// running broker may make the file longer.
    static bool is_cut_off(const Txn& txn, const EnvFacts& facts, std::uint64_t bytes) {
        const std::uint64_t pages = bytes / facts.page_size;
        if (pages >= facts.pages_used) return false;
        std::uint64_t free = 0;  // missing pages that are free
        const int code = for_each_row(txn, free_list_db, [&](Bytes, Bytes value) {
            // The first word of the value is the count; the page numbers follow.
            for (std::size_t at = sizeof(std::size_t); at + sizeof(std::size_t) <= value.size();
                 at += sizeof(std::size_t)) {
                std::size_t page = 0;
                std::memcpy(&page, &value[at], sizeof page);
                if (page >= pages && page < facts.pages_used) ++free;
            }
            return true;
        });
        return code != lmdb_ok || free < facts.pages_used - pages;
    }

    static bool is_empty(const Txn& txn) {
        const auto facts = txn.facts(main_db);
        return facts && facts.value().entries == 0;
    }

    bool report_error(const char* what, int code) {
        const std::string sentence = std::string(what) + ": " + explain(code);
        // Any other error says nothing about the content of the file. The file must not be put in quarantine for it.
        if (fault_of(code) == Fault::damaged) return report_damage(sentence);
        out_.send(as_bytes("o " + sentence + "\n"));
        return false;
    }

    bool report_damage(const std::string& sentence) {
        is_sound_ = false;
        out_.send(as_bytes("d " + sentence + "\n"));
        // A later page may end this process, and the parent must know the damage that was found before.
        out_.flush();
        return false;
    }

    void report_bad_row(const std::string& sentence) {
        out_.send(as_bytes("b " + sentence + "\n"));
        out_.flush();
    }

    static std::string sentence_of(Table table, Bytes key, const char* what) {
        std::string sentence = std::string(traits_of(table).name) + " row";
        for (std::size_t i = 0; i + 8 <= key.size(); i += 8) sentence += " " + std::to_string(read_u64(&key[i]));
        return sentence + ": " + what;
    }

    void inspect_table(const Txn& txn, const Tables& tables, Table table) {
        if (table == Table::message && depth_ == Depth::heads) return;
        // A copy of the last key: the bytes on the page may be a different row after the next step.
        std::array<Byte, Key::size_max> before{};
        std::size_t before_size = 0;
        std::uint64_t rows = 0;
        const int code = for_each_row(txn, tables[table], [&](Bytes key, Bytes value) {
            silent_bytes_ += value.size();
            if (++rows % rows_per_sign_of_life == 0 || silent_bytes_ >= bytes_per_sign_of_life) sign_of_life();
            const Bytes last(before.data(), before_size);
            if (rows > 1 && !std::lexicographical_compare(last.begin(), last.end(), key.begin(), key.end())) {
                report_damage(sentence_of(table, key, "out of order"));
                return false;  // the tree may be a cycle, so the walk might not end
            }
            before_size = std::min(key.size(), before.size());
            std::copy_n(key.begin(), before_size, before.begin());
            const ReadRow row = reader_.read(table, key, value);
            if (row.fault != nullptr) {
                report_bad_row(sentence_of(table, key, row.fault));
                return true;
            }
            if (depth_ == Depth::everything) collect(table, row.key, row.body);
            return true;
        });
        if (code != lmdb_ok) report_damage(std::string(traits_of(table).name) + ": " + explain(code));
        const auto facts = txn.facts(tables[table]);
        // An old page in the place of a newer one has sorted keys and correct seals. Only the count of the rows shows
        // it.
        if (facts && facts.value().entries != rows && is_sound_) {
            report_damage(std::string(traits_of(table).name) + ": " + std::to_string(rows) +
                          " rows were read, but the table has " + std::to_string(facts.value().entries));
        }
        out_.send(as_bytes("r " + std::to_string(index_of(table)) + " " + std::to_string(rows) + "\n"));
    }

    void sign_of_life() {
        silent_bytes_ = 0;
        out_.send(as_bytes(".\n"));
        out_.flush();
    }

    void collect(Table table, Bytes key, Bytes value) {
        const std::uint64_t number = read_u64(key.data());
        switch (table) {
            case Table::session: sessions_.push_back(number); break;
            case Table::queued: {
                const auto record = journal::parse_queued(value);
                LEDGE_ASSERT(record.has_value());  // the reader has checked the body
                messages_queued_.push_back(record->message.value());
                check_owner(table, key);
                break;
            }
            case Table::subscription:
            case Table::received: check_owner(table, key); break;
            case Table::message: messages_.push_back(number); break;
            case Table::retained: break;
            case Table::fresh: highest_ = std::max(highest_, read_u64(key.data() + 8)); return;
        }
        if (key.size() == 8) highest_ = std::max(highest_, number);
    }

    void check_owner(Table table, Bytes key) {
        if (std::binary_search(sessions_.begin(), sessions_.end(), read_u64(key.data()))) return;
        report_bad_row(sentence_of(table, key, "its session is missing"));
    }

    void check_references(const std::optional<Meta>& meta) {
        std::sort(messages_queued_.begin(), messages_queued_.end());
        messages_queued_.erase(std::unique(messages_queued_.begin(), messages_queued_.end()), messages_queued_.end());
        // Both lists are sorted: the queued messages by the call above, the stored ones because keys are sorted.
        std::vector<std::uint64_t> odd;
        // Queued, but not stored. Such a delivery has no payload, so the core drops it.
        std::set_difference(messages_queued_.begin(), messages_queued_.end(), messages_.begin(), messages_.end(),
                            std::back_inserter(odd));
        for (const std::uint64_t number : odd)
            report_bad_row("message " + std::to_string(number) + " is queued but missing");
        odd.clear();
        // Stored, but not queued. No acknowledgement would ever remove such a message.
        std::set_difference(messages_.begin(), messages_.end(), messages_queued_.begin(), messages_queued_.end(),
                            std::back_inserter(odd));
        for (const std::uint64_t number : odd) report_bad_row("message " + std::to_string(number) + " is in no queue");
        if (meta && highest_ >= meta->next_number) {
            report_bad_row("number " + std::to_string(highest_) + " is in use, but the next one is " +
                           std::to_string(meta->next_number));
        }
    }

    GuardedOut& out_;
    std::uint64_t silent_bytes_ = 0;  // read since the last sign of life
    Depth depth_;
    bool is_sound_ = true;
    RowReader reader_{schema_version};
    std::vector<std::uint64_t> sessions_;
    std::vector<std::uint64_t> messages_;
    std::vector<std::uint64_t> messages_queued_;  // with duplicates
    std::uint64_t highest_ = 0;                   // number of a session, message or retained message
};

/// Adds one line of the child to the result.
void parse_line(std::string_view line, Inspection& inspection) {
    if (line.starts_with("d ") || line.starts_with("b ")) {
        ++inspection.problem_count;
        if (line.starts_with("d ") && inspection.damage.empty()) inspection.damage = line.substr(2);
        if (inspection.problems.size() < problems_kept_max) inspection.problems.emplace_back(line.substr(2));
    } else if (line.starts_with("o ")) {
        inspection.obstacle = line.substr(2);
    } else if (line.starts_with("r ")) {
        std::size_t table = 0;
        std::uint64_t rows = 0;
        const char* end = line.data() + line.size();
        const auto first = std::from_chars(line.data() + 2, end, table);
        // The line comes from a process that has read damaged pages, so the table number is not to be trusted.
        if (first.ptr == end || table >= table_count) return;
        std::from_chars(first.ptr + 1, end, rows);
        inspection.rows[table] = rows;
    }
}

}  // namespace

std::string Inspection::summary() const {
    if (!damage.empty()) return damage;
    if (!problems.empty()) return problems.front();
    if (!obstacle.empty()) return obstacle;
    switch (end) {
        case GuardedEnd::fine: return "nothing is wrong";
        case GuardedEnd::silent: return "reading the file takes too long";
        case GuardedEnd::refused:
        case GuardedEnd::killed: break;
    }
    return "the process that reads the file ends";
}

Inspection inspect(const std::string& path, bool is_alone, Depth depth) {
    Inspection inspection;
    std::string text;
    const auto on_bytes = [&](Bytes bytes) {
        text += as_text(bytes);
        std::size_t start = 0;
        for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
            parse_line(std::string_view(text).substr(start, end - start), inspection);
        }
        // The pipe may split a line; its beginning stays until the rest arrives.
        text.erase(0, start);
    };
    const auto work = [&](GuardedOut& out) { return Inspector(out, depth).inspect(path, is_alone); };
    inspection.end = run_guarded(work, on_bytes, inspect_silence_max_ms);
    return inspection;
}

}  // namespace ledge::storage
