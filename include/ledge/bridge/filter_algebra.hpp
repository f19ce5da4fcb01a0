// Set operations on topic filters. A filter stands for the set of topic names that topic::matches() accepts for it. The
// results are exact, not estimates: a bridge refuses a configuration because of them. All filters must be valid
// (topic::is_valid_filter) and must not be shared subscriptions. Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ledge::bridge {

/// Returns the filter that matches exactly the topics that both filters match; nullopt = there is no such topic. One
/// filter is always enough: each level of the result is the stricter one of the two levels. A filter that starts with a
/// wildcard has no topic in common with a filter that starts with '$' [MQTT-4.7.2-1].
std::optional<std::string> intersection(std::string_view a, std::string_view b);

/// True if at least one topic matches both filters.
bool intersects(std::string_view a, std::string_view b);

/// True if `wide` matches each topic that `narrow` matches.
bool covers(std::string_view wide, std::string_view narrow);

/// Returns the narrowest filter that covers both; it may also match topics that neither of the two matches. nullopt =
/// no filter covers both, because they start with different '$' levels, or only one of them starts with '$'.
std::optional<std::string> narrowest_cover(std::string_view a, std::string_view b);

}  // namespace ledge::bridge
