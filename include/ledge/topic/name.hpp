// Topic names and topic filters: what is well-formed (MQTT 5 and 3.1.1, section 4.7), shared subscriptions (section
// 4.8.2) and a plain matcher. Stateless. All text is UTF-8 that wire has already checked; a level is the text between
// two '/', it may be empty: "/a" has two levels, the first of them empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ledge::topic {

/// Hard ceiling of levels in a topic or filter, whatever is configured: walks use fixed arrays of this size.
inline constexpr std::uint32_t levels_hard_max = 128;

/// Number of levels: one more than the number of '/'. The empty text has one (empty) level.
std::uint32_t count_levels(std::string_view text);

/// A topic name a client may publish to: at least one byte [MQTT-4.7.3-1], no wildcard [MQTT-3.3.2-2], at most
/// `levels_max` levels (and never more than levels_hard_max).
bool is_valid_topic(std::string_view topic, std::uint32_t levels_max);

/// A filter a client may subscribe to: at least one byte [MQTT-4.7.3-1]; '#' alone in its level and last
/// [MQTT-4.7.1-1]; '+' alone in its level [MQTT-4.7.1-2]; at most `levels_max` levels. A filter that starts with
/// "$share/" must be a well-formed shared one, the level limit counts its inner filter.
bool is_valid_filter(std::string_view filter, std::uint32_t levels_max);

/// True if the filter, taken as valid, has a '+' or '#' level.
bool has_wildcards(std::string_view filter);

/// Starts with "$share/": the client means a shared subscription, well-formed or not.
bool is_shared(std::string_view filter);

struct SharedFilter {
    std::string_view group;   // the ShareName
    std::string_view filter;  // what is matched: everything behind "$share/group/"
};

/// The parts of "$share/group/filter", views into the argument. Nothing if it is not shared or malformed: the group
/// has at least one character [MQTT-4.8.2-1] and no '/', '+', '#', a '/' and a non-empty filter follow
/// [MQTT-4.8.2-2]. Whether the inner filter itself is valid: is_valid_filter.
std::optional<SharedFilter> parse_shared(std::string_view filter);

/// The definition of matching, one pair at a time, both taken as valid, `filter` without "$share/group/". A filter
/// that starts with a wildcard does not match a topic that starts with '$' [MQTT-4.7.2-1]; "a/#" matches "a". Bytes are
/// compared as they are, nothing is normalised [MQTT-4.7.3-4].
bool matches(std::string_view filter, std::string_view topic);

}  // namespace ledge::topic
