// The known word that somebody who wrote an unknown one may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ledge::config {

inline constexpr std::size_t nearest_bytes_max = 128;  // no suggestion for longer words

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other. Both at most
/// nearest_bytes_max long.
std::size_t edit_distance(std::string_view one, std::string_view other);

/// The candidate that is close enough to be meant, "" when none is. A key with the same last part in another section
/// ("inflight_max" for "limits.inflight_max") counts as close.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace ledge::config
