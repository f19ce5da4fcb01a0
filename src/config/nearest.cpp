// Edit distance (Damerau-Levenshtein, with swaps of neighbours) and the suggestion that follows from it.
#include "nearest.hpp"

#include <algorithm>
#include <array>

#include "ledge/base/assert.hpp"

namespace ledge::config {
namespace {

/// "inflight_max" of "limits.inflight_max".
std::string_view last_part(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

}  // namespace

std::size_t edit_distance(std::string_view one, std::string_view other) {
    LEDGE_ASSERT(one.size() <= nearest_bytes_max && other.size() <= nearest_bytes_max);
    // The usual table has a row for each prefix of `one`. Three rows suffice: the current one and the two above it (the
    // second only for swaps).
    using Row = std::array<std::size_t, nearest_bytes_max + 1>;
    Row before{};
    Row above{};
    Row row{};
    // From the empty prefix, j insertions make the first j characters of `other`.
    for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= one.size(); ++i) {
        before = above;
        above = row;
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            // The cheapest of replacing (free if the characters are equal), deleting and inserting.
            const std::size_t replaced = above[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            const bool is_swap = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if (is_swap) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[other.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
    // The time grows with the product of the lengths, and a long text is no slip of a key.
    if (word.empty() || word.size() > nearest_bytes_max) return {};
    std::size_t best = word.size() / 3 + 1;  // a word with a larger distance is a different word
    std::string found;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > nearest_bytes_max) continue;
        const std::size_t whole = edit_distance(word, candidate);
        // A key in a wrong section has a nearly equal last part. The penalty of 1 prefers keys whose section is right.
        const std::size_t part = edit_distance(last_part(word), last_part(candidate)) + 1;
        // Stricter than above, because short last parts such as "key" are near to many others.
        const bool is_part_close = part <= last_part(word).size() / 4 + 1;
        const std::size_t distance = is_part_close ? std::min(whole, part) : whole;
        if (distance < best || (distance == best && found.empty())) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

}  // namespace ledge::config
