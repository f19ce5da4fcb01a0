// LossFinder: finds the sessions that have lost rows. The caller walks through a table whose keys begin with a session
// (sub, in2, q), in the order of the keys, and reports each row as sound or bad. A session that has lost a row is
// incomplete: its client must not be told that the session is present.
//
// The damage of a bad row may be in its key. LMDB keeps rows sorted, so the true key lies between the keys of the sound
// neighbours. The seal identifies the true key: the checksum matches as soon as the session in the key is right.
#pragma once

#include <vector>

#include "schema.hpp"

namespace ledge::storage {

class LossFinder {
public:
    /// `sessions`: all sessions of the store, sorted. `incomplete` receives the sessions that have lost a row, unsorted
    /// and with duplicates.
    LossFinder(Table table, const std::vector<std::uint64_t>& sessions, std::vector<std::uint64_t>& incomplete)
        : table_(table), sessions_(sessions), incomplete_(incomplete) {}

    /// `key` has the size that keys of the table have.
    void on_sound(Bytes key);
    void on_bad(Bytes key, Bytes value);
    /// Rows with unknown keys may be missing at this position.
    void on_gap() { has_gap_ = true; }
    void on_end();
    /// Any row of the table may be missing: all sessions become incomplete.
    void mark_all() { incomplete_.insert(incomplete_.end(), sessions_.begin(), sessions_.end()); }

    /// The keys of the table begin with a session.
    static bool is_about(Table table) {
        return table == Table::subscription || table == Table::received || table == Table::queued;
    }

private:
    struct Suspect {
        std::vector<Byte> key;
        std::vector<Byte> value;
    };

    void assign_suspects(std::uint64_t after);
    bool find_owner(Suspect suspect, std::uint64_t after);

    Table table_;
    const std::vector<std::uint64_t>& sessions_;
    std::vector<std::uint64_t>& incomplete_;
    std::uint64_t before_ = 0;  // the session of the last sound row
    std::vector<Suspect> suspects_;
    bool has_gap_ = false;
};

}  // namespace ledge::storage
