// The rules of names and filters, and the matcher that defines them.
#include "ledge/topic/name.hpp"

#include <algorithm>

#include "ledge/topic/levels.hpp"

namespace ledge::topic {
namespace {

constexpr std::string_view share_prefix = "$share/";

bool has_allowed_levels(std::string_view text, std::uint32_t levels_max) {
    return count_levels(text) <= std::min(levels_max, levels_hard_max);
}

/// A wildcard stands alone in its level, and '#' in the last level only.
bool are_wildcards_well_placed(std::string_view filter) {
    for (LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        if (!has_wildcards(level)) continue;
        if (level.size() != 1) return false;                  // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
        if (level == "#" && !levels.is_done()) return false;  // [MQTT-4.7.1-1]
    }
    return true;
}

}  // namespace

[[gnu::hot]] std::uint32_t count_levels(std::string_view text) {
    return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '/')) + 1;
}

bool is_valid_topic(std::string_view topic, std::uint32_t levels_max) {
    return !topic.empty() && !has_wildcards(topic) && has_allowed_levels(topic, levels_max);
}

bool is_valid_filter(std::string_view filter, std::uint32_t levels_max) {
    if (is_shared(filter)) {
        const auto shared = parse_shared(filter);
        if (!shared) return false;
        filter = shared->filter;
    }
    return !filter.empty() && has_allowed_levels(filter, levels_max) && are_wildcards_well_placed(filter);
}

bool has_wildcards(std::string_view filter) {
    return std::any_of(filter.begin(), filter.end(), [](char c) { return c == '+' || c == '#'; });
}

bool is_shared(std::string_view filter) { return filter.starts_with(share_prefix); }

std::optional<SharedFilter> parse_shared(std::string_view filter) {
    if (!is_shared(filter)) return std::nullopt;
    filter.remove_prefix(share_prefix.size());
    const std::size_t slash = filter.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const SharedFilter shared{filter.substr(0, slash), filter.substr(slash + 1)};
    if (shared.group.empty() || has_wildcards(shared.group) || shared.filter.empty()) return std::nullopt;
    return shared;
}

bool matches(std::string_view filter, std::string_view topic) {
    // Compare level by level. A final '#' also matches when the topic has ended one level before: "a/#" matches "a".
    const bool starts_wild = filter.starts_with('+') || filter.starts_with('#');
    if (topic.starts_with('$') && starts_wild) return false;  // [MQTT-4.7.2-1]
    LevelSplitter topic_levels(topic);
    for (LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view wanted = levels.next();
        if (wanted == "#") return true;
        if (topic_levels.is_done()) return false;
        const std::string_view level = topic_levels.next();
        if (wanted != "+" && wanted != level) return false;
    }
    return topic_levels.is_done();
}

}  // namespace ledge::topic
