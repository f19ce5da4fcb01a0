// Rules for topic names and topic filters (MQTT 5 and 3.1.1, section 4.7) and for shared subscriptions (section 4.8.2),
// and a simple matcher. Stateless. All text is UTF-8 that the module wire has already checked. A level is the text
// between two '/', and may be empty: "/a" has two levels, and the first one is empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ledge::topic {

/// The largest number of levels in a topic or filter. No configuration can raise it, because walks use fixed arrays of
/// this size.
inline constexpr std::uint32_t levels_hard_max = 128;

/// Returns the number of levels: one more than the number of '/'. The empty text has one level, which is empty.
std::uint32_t count_levels(std::string_view text);

/// True for a topic name that a client may publish to. Such a name has at least one byte [MQTT-4.7.3-1], no wildcard
/// [MQTT-3.3.2-2], and at most `levels_max` levels, but never more than levels_hard_max.
bool is_valid_topic(std::string_view topic, std::uint32_t levels_max);

/// True for a filter that a client may subscribe to. Such a filter has at least one byte [MQTT-4.7.3-1]. A '#' stands
/// alone in its level, which is the last one [MQTT-4.7.1-1]. A '+' stands alone in its level [MQTT-4.7.1-2]. The filter
/// has at most `levels_max` levels, but never more than levels_hard_max. A filter that starts with "$share/" must be a
/// well-formed shared subscription; only the levels of its inner filter count.
bool is_valid_filter(std::string_view filter, std::uint32_t levels_max);

/// True if the filter has a '+' or a '#'. The filter must be valid.
bool has_wildcards(std::string_view filter);

/// True if the text starts with "$share/". The client then asks for a shared subscription, even if the rest is wrong.
bool is_shared(std::string_view filter);

struct SharedFilter {
    std::string_view group;   // the ShareName
    std::string_view filter;  // the inner filter: everything behind "$share/group/"
};

/// Returns the parts of "$share/group/filter" as views of the argument. nullopt = the text is not a well-formed shared
/// subscription. The group has at least one character [MQTT-4.8.2-1] and no '/', '+' or '#'. A '/' and a filter that is
/// not empty follow [MQTT-4.8.2-2]. Only is_valid_filter checks the inner filter itself.
std::optional<SharedFilter> parse_shared(std::string_view filter);

/// The definition of matching, for one filter and one topic. Both must be valid, and `filter` comes without
/// "$share/group/". A filter that starts with a wildcard does not match a topic that starts with '$' [MQTT-4.7.2-1].
/// "a/#" also matches "a". Bytes are compared without any normalisation [MQTT-4.7.3-4].
bool matches(std::string_view filter, std::string_view topic);

}  // namespace ledge::topic
