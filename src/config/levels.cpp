// [[store.levels]]: reads, checks and prints the list of levels of durability for single topics.
#include "levels.hpp"

#include <algorithm>

#include "convert.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/topic/levels.hpp"
#include "ledge/topic/name.hpp"
#include "list_key.hpp"
#include "options.hpp"
#include "print_option.hpp"

namespace ledge::config {
namespace {

// The longest text of MQTT: its length has two bytes (5.0 section 1.5.4).
constexpr std::size_t filter_bytes_max = 65'535;

// These lines are part of --print-config; [[store.levels]] has no rows in the table of options.
constexpr std::string_view help =
    "# Levels of durability for single topics. The first filter that matches a message's topic decides; if no filter\n"
    "# matches, durability above decides. At most 64 filters.\n";
constexpr std::string_view example =
    "# [[store.levels]]\n"
    "# filter = \"sensors/+/raw\"\n"
    "# level = \"ram\"\n";

/// A level in [[store.levels]] has the same words as store.durability, so this row converts it.
const Option& level_option() {
    for (const Option& option : options()) {
        if (option.has_key("store.durability")) return option;
    }
    return options().front();
}

std::string_view name_of(journal::Durability level) {
    const auto index = static_cast<std::size_t>(level);
    // The words are in the order of the enumeration (option_rows.hpp).
    LEDGE_ASSERT(index < level_option().choices.size());
    return level_option().choices[index];
}

/// The mistake in a filter, "" if there is none. [MQTT-4.7.1-1], [MQTT-4.7.1-2]: '#' must be the last level, and a
/// wildcard must be the only character of its level.
std::string_view problem_of_filter(std::string_view filter) {
    if (filter.empty()) return "is empty";
    if (filter.size() > filter_bytes_max) return "is longer than 65535 bytes";
    if (topic::is_shared(filter))
        return "is the filter of a shared subscription; a level holds for all subscribers of a topic";
    for (topic::LevelSplitter levels(filter); !levels.is_done();) {
        const std::string_view level = levels.next();
        if (topic::has_wildcards(level) && level.size() > 1)
            return "has a wildcard that does not stand alone in its level";
        if (level == "#" && !levels.is_done()) return "has levels after #";
    }
    return {};
}

}  // namespace

bool Levels::is_of_levels(std::string_view key) { return is_of_list(levels_key, key); }

std::string Levels::assign(const Assignment& assignment) {
    LEDGE_ASSERT(is_of_levels(assignment.key));
    const auto key = parse_list_key(levels_key, assignment.key);
    // store.levels itself, without a number, is refused too: its value is no list of tables.
    if (!key || (key->member != "filter" && key->member != "level"))
        return "is unknown; write [[store.levels]] with filter and level below it";
    const std::size_t number = key->number;
    // The first match decides, so the numbers must follow each other without a gap.
    if (number == 0 || number > levels_max || number > drafts_.size() + 1) {
        return "has a number out of order: there are " + std::to_string(drafts_.size()) + " levels so far, at most " +
               std::to_string(levels_max);
    }
    // A new member begins. Its place is that of its first key, for the complaints of finish().
    if (number > drafts_.size()) drafts_.push_back({{}, {}, false, assignment.place});
    Draft& draft = drafts_[number - 1];
    if (key->member == "level") {
        const auto level = convert(level_option(), assignment);
        if (!level) return level.error();
        draft.level = static_cast<journal::Durability>(std::get<std::int64_t>(level.value()));
        // The level has no default: a filter without a level is more likely a slip.
        draft.has_level = true;
        return {};
    }
    const auto* filter = std::get_if<std::string>(&assignment.value);
    if (filter == nullptr) return "must be a topic filter in quotes, not " + describe(assignment.value);
    // Stored even if it is wrong. Otherwise finish() would also complain that the filter is missing.
    draft.filter = *filter;
    return std::string(problem_of_filter(*filter));
}

std::vector<broker::DurabilityOptions::Override> Levels::finish(std::vector<Complaint>& complaints) const {
    std::vector<broker::DurabilityOptions::Override> result;
    for (const Draft& draft : drafts_) {
        // Only now, because filter and level are two assignments in any order.
        if (draft.filter.empty()) complaints.push_back({draft.place, "a [[store.levels]] has no filter"});
        if (!draft.has_level) complaints.push_back({draft.place, "a [[store.levels]] has no level"});
        result.push_back({draft.filter, draft.level});
    }
    return result;
}

std::string print_levels(const std::vector<broker::DurabilityOptions::Override>& levels, const Origin& origin) {
    std::string out(help);
    // The printed file must parse back to the same values, so the example is a comment.
    if (levels.empty()) out += example;
    std::size_t number = 0;
    for (const auto& level : levels) {
        const Origin of_level = origin.below(std::string(levels_key) + "." + std::to_string(++number) + ".");
        out += "[[store.levels]]\nfilter = " + of_level.value_of("filter", text_literal(level.filter)) +
               "\nlevel = " + of_level.value_of("level", quoted(name_of(level.level))) + "\n";
    }
    return out + "\n";
}

/// The filters are quoted, so two different lists never give the same text.
std::string levels_text(const std::vector<broker::DurabilityOptions::Override>& levels) {
    std::string out;
    for (const auto& level : levels) out += quoted(level.filter) + " " + std::string(name_of(level.level)) + " ";
    return out;
}

}  // namespace ledge::config
