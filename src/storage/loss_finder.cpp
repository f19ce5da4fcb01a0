// LossFinder: tries the sessions between two sound rows as the owner of each bad row.
#include "loss_finder.hpp"

#include <algorithm>
#include <limits>

#include "ledge/base/assert.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

constexpr std::size_t suspects_max = 1000;         // consecutive bad rows; more of them count as a gap
constexpr std::ptrdiff_t owners_tried_max = 1000;  // sessions whose seal is computed for one bad row

}  // namespace

void LossFinder::on_sound(Bytes key) {
    const std::uint64_t session = read_u64(key.data());
    if (has_gap_ || !suspects_.empty()) assign_suspects(session);
    before_ = session;
}

void LossFinder::on_bad(Bytes key, Bytes value) {
    LEDGE_ASSERT(suspects_.size() <= suspects_max);
    if (suspects_.size() == suspects_max) has_gap_ = true;
    if (has_gap_) return;
    suspects_.push_back({{key.begin(), key.end()}, {value.begin(), value.end()}});
}

void LossFinder::on_end() {
    if (has_gap_ || !suspects_.empty()) assign_suspects(std::numeric_limits<std::uint64_t>::max());
}

// `after`: the session of the next sound row. If one bad row has no owner, or rows are missing, every session from the
// last sound row to this one may have lost a row.
void LossFinder::assign_suspects(std::uint64_t after) {
    for (Suspect& suspect : suspects_) has_gap_ = has_gap_ || !find_owner(std::move(suspect), after);
    if (has_gap_) {
        const auto first = std::ranges::lower_bound(sessions_, before_);
        incomplete_.insert(incomplete_.end(), first, std::ranges::upper_bound(sessions_, after));
    }
    suspects_.clear();
    has_gap_ = false;
}

/// Finds the session that a bad row belongs to. False = the session cannot be found.
bool LossFinder::find_owner(Suspect suspect, std::uint64_t after) {
    if (suspect.key.size() != key_size(table_)) return false;
    const std::uint64_t named = read_u64(suspect.key.data());
    const bool is_there = std::ranges::binary_search(sessions_, named);
    // The key may be the sound part of the row, so the session that it names counts as incomplete in any case.
    if (is_there) incomplete_.push_back(named);
    const auto first = std::ranges::lower_bound(sessions_, before_);
    const auto last = std::upper_bound(first, sessions_.end(), after);
    if (last - first > owners_tried_max) return is_there;
    for (auto session = first; session != last; ++session) {
        write_u64(suspect.key.data(), *session);
        if (!open_row(table_, suspect.key, suspect.value)) continue;
        incomplete_.push_back(*session);
        return true;
    }
    return is_there;
}

}  // namespace ledge::storage
