// Finds the known word that is nearest to an unknown one, for "did you mean ...?".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ledge::config {

inline constexpr std::size_t nearest_bytes_max = 128;  // longer words get no suggestion

/// The smallest number of insertions, deletions, replacements and swaps of neighbours that turn one word into the
/// other. Requires that both are at most nearest_bytes_max long.
std::size_t edit_distance(std::string_view one, std::string_view other);

/// The nearest candidate, or "" if none is near enough. A candidate with the same last part in another section
/// ("limits.inflight_max" for "inflight_max") counts as near.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace ledge::config
