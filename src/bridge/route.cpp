// The mapping of topics, the validity of a route, and its description.
#include "ledge/bridge/route.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/filter_algebra.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::bridge {
namespace {

using topic::levels_hard_max;

/// "plant/" -> "plant". The text must end in '/'.
std::string_view without_slash(std::string_view prefix) { return prefix.substr(0, prefix.size() - 1); }

/// Replaces the prefix of a topic or filter of one side, and writes the result to `out`. The result may be empty: the
/// other side then has no such name.
void replace_prefix(std::string_view text, std::string_view from, std::string_view to, std::string& out) {
    if (text.starts_with(from)) {
        out = to;
        out += text.substr(from.size());
        return;
    }
    // The filter is "#", and the prefix is "plant/": the filter "plant/#" also matches "plant", which lacks the '/'.
    LEDGE_ASSERT(from.ends_with('/') && text == without_slash(from));
    LEDGE_ASSERT(to.empty() || to.ends_with('/'));  // otherwise `to` + "#" would be no filter
    out = to.empty() ? to : without_slash(to);
}

/// A valid topic for the filter, to be shown to people.
std::string example_of(std::string_view filter) {
    std::string out;
    for (const char c : filter) {
        if (c == '+' || c == '#')
            out += c == '+' ? "x" : "y/z";
        else
            out += c;
    }
    return out;
}

std::optional<std::string> complaint_about_prefix(std::string_view key, std::string_view prefix) {
    const std::string name = std::string(key) + " = " + quoted(prefix);
    if (!wire::is_valid_utf8(prefix)) return name + " is not valid UTF-8.";
    if (topic::has_wildcards(prefix))
        return name + " has a wildcard. Prefixes are plain text; put '+' and '#' into filter.";
    return std::nullopt;
}

std::optional<std::string> complaint_about_side(std::string_view key, const Route& route, std::string_view prefix,
                                                std::string_view filter) {
    const std::string built = std::string(key) + " + filter = " + quoted(filter);
    if (filter.empty())
        return built + " is empty. Set filter (\"#\" stands for all topics), or give both prefixes a whole topic.";
    if (filter.size() > 0xFFFF) return std::string(key) + " + filter is longer than 65,535 bytes.";
    if (topic::is_shared(filter))
        return built + " is a shared subscription. A bridge subscribes as one client; remove \"$share/\".";
    if (topic::is_valid_filter(filter, levels_hard_max)) return std::nullopt;
    if (topic::count_levels(filter) > levels_hard_max)
        return built + " has more than " + std::to_string(levels_hard_max) + " levels.";
    const bool is_joint_bad =
        !prefix.empty() && !prefix.ends_with('/') && topic::has_wildcards(route.filter.substr(0, 1));
    if (is_joint_bad) return built + " is no topic filter. End " + std::string(key) + " with '/'.";
    return built + " is no topic filter: '+' and '#' stand alone between two '/', and '#' only at the end.";
}

}  // namespace

bool map_topic(std::string_view topic, const RouteSide& from, const RouteSide& to, std::string& out) {
    if (!topic::matches(from.filter, topic)) return false;
    replace_prefix(topic, from.prefix, to.prefix, out);
    // Cutting a prefix may leave a topic that starts with '$'. The filter of the other side decides: "#" does not match
    // "$SYS/x", so a route never reaches into '$' topics unless its prefix names them.
    return out.size() <= 0xFFFF && topic::is_valid_topic(out, levels_hard_max) && topic::matches(to.filter, out);
}

std::optional<std::string> remote_topic(const Route& route, std::string_view local_topic) {
    const std::string local = route.local_filter();
    const std::string remote = route.remote_filter();
    std::string out;
    const bool is_carried = map_topic(local_topic, {route.local_prefix, local}, {route.remote_prefix, remote}, out);
    return is_carried ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> local_topic(const Route& route, std::string_view remote_topic) {
    const std::string local = route.local_filter();
    const std::string remote = route.remote_filter();
    std::string out;
    const bool is_carried = map_topic(remote_topic, {route.remote_prefix, remote}, {route.local_prefix, local}, out);
    return is_carried ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> local_filter_for(const Route& route, std::string_view remote_filter) {
    LEDGE_ASSERT(covers(route.remote_filter(), remote_filter));
    std::string mapped;
    replace_prefix(remote_filter, route.remote_prefix, route.local_prefix, mapped);
    if (topic::is_shared(mapped) || !topic::is_valid_filter(mapped, levels_hard_max)) return std::nullopt;
    // A cut prefix may leave "$SYS/x", which the local filter "#" does not match: then no topic has a local name.
    return intersection(mapped, route.local_filter());
}

std::optional<std::string> complaint_about(const Route& route) {
    if (auto wrong = complaint_about_prefix("local_prefix", route.local_prefix)) return wrong;
    if (auto wrong = complaint_about_prefix("remote_prefix", route.remote_prefix)) return wrong;
    if (!wire::is_valid_utf8(route.filter)) return "filter = " + quoted(route.filter) + " is not valid UTF-8.";
    if (auto wrong = complaint_about_side("local_prefix", route, route.local_prefix, route.local_filter()))
        return wrong;
    return complaint_about_side("remote_prefix", route, route.remote_prefix, route.remote_filter());
}

std::string explain(const Route& route) {
    LEDGE_ASSERT(!complaint_about(route));
    const std::string local = route.local_filter();
    const std::string remote = route.remote_filter();
    std::string out;
    if (route.goes_out()) out += "Local messages on " + quoted(local) + " go to the upstream as " + quoted(remote);
    if (route.direction == Direction::both) out += ", and messages of the upstream come back the same way";
    if (route.direction == Direction::in)
        out += "Messages of the upstream on " + quoted(remote) + " come in as " + quoted(local);
    const auto qos = std::to_string(static_cast<int>(route.qos));
    out += route.qos == wire::QoS::exactly_once ? ", with their own QoS" : ", with QoS " + qos + " at most";
    out += route.retain == RetainRule::keep ? " and their RETAIN flag." : " and without RETAIN.";
    const std::string example = example_of(local);
    const auto mapped = remote_topic(route, example);
    if (mapped && route.goes_out()) out += " Example: " + quoted(example) + " becomes " + quoted(*mapped) + ".";
    if (mapped && !route.goes_out()) out += " Example: " + quoted(*mapped) + " becomes " + quoted(example) + ".";
    return out;
}

}  // namespace ledge::bridge
