// LossFinder: whose rows are missing. The finder walks along the rows of a table whose keys begin with a session (sub,
// in2, q), in the order of their keys, and is told of each row whether the row is sound. A session that has lost a row
// is incomplete: its client must not be told that the session is present.
//
// The key of a bad row may itself be the part that is damaged. LMDB keeps rows in order, so the true key lies between
// those of the sound neighbours, and the seal tells the true one: it fits when the session in the key is put right.
#pragma once

#include <vector>

#include "schema.hpp"

namespace ledge::storage {

class LossFinder {
public:
    /// `sessions`: those that are there, in order. `incomplete`: takes the ones that have lost something, in no order.
    LossFinder(Table table, const std::vector<std::uint64_t>& sessions, std::vector<std::uint64_t>& incomplete)
        : table_(table), sessions_(sessions), incomplete_(incomplete) {}

    void on_sound(Bytes key);
    void on_bad(Bytes key, Bytes value);
    /// Here rows may be missing, of unknown keys.
    void on_gap() { has_gap_ = true; }
    void on_end();
    /// Any row of the table may be missing.
    void mark_all() { incomplete_.insert(incomplete_.end(), sessions_.begin(), sessions_.end()); }

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
