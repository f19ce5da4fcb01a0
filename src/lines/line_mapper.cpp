#include "ledge/lines/line_mapper.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/topic/levels.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::lines {
namespace {

bool is_usable_single_level(std::string_view level) {
    if (level.empty() || level.front() == '$' || level == unparsed_level) return false;
    return std::all_of(level.begin(), level.end(), [](char c) {
        const auto byte = static_cast<Byte>(c);
        return byte >= 0x20 && byte != 0x7f && c != '+' && c != '#';
    });
}

std::string below(std::string_view topic, std::string_view level) {
    return std::string(topic).append("/").append(level);
}

/// The members of a line that is one JSON object with not too many of them.
std::optional<std::vector<JsonMember>> usable_members(const JsonDocument& document, std::string_view line) {
    auto members = document.members(line);
    if (!members || members->empty() || members->size() > members_max) return std::nullopt;
    return members;
}

/// Adds a publication for each member except `chooser`, whose value is in `topic` already.
void add_members(MappedLine& mapped, const std::vector<JsonMember>& members, std::string_view topic,
                 std::string_view chooser) {
    for (const JsonMember& member : members) {
        if (!chooser.empty() && member.name == chooser) continue;
        if (is_usable_level(member.name, false)) {
            mapped.publications.push_back({below(topic, member.name), std::string(member.text)});
        } else {
            ++mapped.bad_levels;
        }
    }
}

/// The topic that the value of json_topic_member leads to. nullopt: there is no such member, or its value is no level.
std::optional<std::string> chosen_topic(const Options& options, const std::vector<JsonMember>& members) {
    if (options.json_topic_member.empty()) return options.topic;
    const auto chooser = std::ranges::find(members, std::string_view(options.json_topic_member), &JsonMember::name);
    if (chooser == members.end()) return std::nullopt;
    // Numbers are the ids of many devices. 1.5 or true is none.
    const bool is_name = chooser->kind == JsonMember::Kind::text ||
                         (chooser->kind == JsonMember::Kind::number &&
                          std::all_of(chooser->text.begin(), chooser->text.end(),
                                      [](char c) { return (c >= '0' && c <= '9') || c == '-'; }));
    if (!is_name || !is_usable_level(chooser->text, options.json_topic_slashes)) return std::nullopt;
    return below(options.topic, chooser->text);
}

/// nullopt: the line is not what the options ask for.
std::optional<MappedLine> map_json(const Options& options, std::string_view line) {
    const auto document = JsonDocument::parse(line);
    if (!document) return std::nullopt;
    const auto members = usable_members(*document, line);
    if (!members) return std::nullopt;
    auto topic = chosen_topic(options, *members);
    if (!topic) return std::nullopt;
    MappedLine mapped;
    switch (options.json_members) {
        case Members::payload: mapped.publications.push_back({std::move(*topic), std::string(line)}); break;
        case Members::topics: add_members(mapped, *members, *topic, options.json_topic_member); break;
    }
    return mapped;
}

}  // namespace

bool is_usable_level(std::string_view text, bool may_have_slashes) {
    if (text.empty() || text.size() > level_bytes_max || !wire::is_valid_utf8(text)) return false;
    std::size_t count = 0;
    for (topic::LevelSplitter levels(text); !levels.is_done(); ++count) {
        if (!is_usable_single_level(levels.next())) return false;
    }
    return count == 1 || (may_have_slashes && count <= levels_max);
}

MappedLine map_line(const Options& options, Bytes line) {
    LEDGE_ASSERT(!line.empty());
    const std::string_view text = as_text(line);
    MappedLine mapped;
    if (!options.ignore_prefix.empty() && text.starts_with(options.ignore_prefix)) {
        mapped.kind = MappedLine::Kind::ignored;
        return mapped;
    }
    if (!options.wants_json()) {
        mapped.publications.push_back({options.topic, std::string(text)});
        return mapped;
    }
    if (auto json = map_json(options, text)) return std::move(*json);
    mapped.kind = MappedLine::Kind::unparsed;
    if (options.unparsed == Unparsed::publish)
        mapped.publications.push_back({below(options.topic, unparsed_level), std::string(text)});
    return mapped;
}

}  // namespace ledge::lines
