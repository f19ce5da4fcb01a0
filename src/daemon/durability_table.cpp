// Writes the table that `ledgemq check` prints, one part for each level of durability that a topic has.
#include "durability_table.hpp"

#include <array>
#include <string>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/config/config.hpp"
#include "ledge/storage/wear.hpp"

namespace ledge::daemon {
namespace {

using journal::Durability;

constexpr std::size_t columns = 4;
constexpr std::array<std::string_view, columns> damages{"process crash", "power cut", "full disk", "corrupt file"};

/// The messages of a level that survive each kind of damage, in the order of `damages`.
std::array<std::string, columns> survivors(Durability level, Duration relaxed_interval) {
    const std::string last_ms =
        "all but the last " +
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(relaxed_interval).count()) + " ms";
    // The percentage comes from the default of the option, so the table cannot contradict the broker.
    const auto full_percent = static_cast<int>(broker::DurabilityOptions{}.refuse_above_used * 100);
    const std::string refused = "all; new ones are refused from " + std::to_string(full_percent) + " % on";
    const std::string readable = "what can still be read; the file is kept";
    switch (level) {
        // A disk that confirms a write before the data is safe breaks the promise, and no program can notice that.
        case Durability::durable: return {"all", "all, if the disk keeps what it confirms", refused, readable};
        case Durability::relaxed: return {last_ms, last_ms, refused, readable};
        case Durability::ram: break;
    }
    return {"none", "none", "all; it is not used", "all; it is not used"};
}

constexpr std::string_view name_of(Durability level) {
    switch (level) {
        case Durability::durable: return "durable";
        case Durability::relaxed: return "relaxed";
        case Durability::ram: break;
    }
    return "ram";
}

/// Appends the rows of one level, if a topic has this level.
void append_level(const config::Config& config, Durability level, std::string& out) {
    const broker::DurabilityOptions& durability = config.shard.durability;
    std::string topics;
    for (const auto& item : durability.overrides) {
        if (item.level == level) topics += item.filter + ", ";
    }
    // The level of [store] holds for all topics that no filter of [[store.levels]] matches.
    if (durability.level == level) topics += durability.overrides.empty() ? "every topic, " : "every other topic, ";
    if (topics.empty()) return;
    LEDGE_ASSERT(topics.ends_with(", "));
    topics.resize(topics.size() - 2);
    out += "  " + std::string(name_of(level)) + " (" + topics + ")\n";
    // With a daily write budget the interval may be widened by this factor, so up to this time may be lost.
    const int factor = config.store.daily_write_budget_bytes > 0 ? storage::WearAccount::widening_max : 1;
    const auto kept = survivors(level, durability.journal.lazy_interval * factor);
    for (std::size_t i = 0; i < columns; ++i) {
        std::string label(damages[i]);
        // The longest label has 13 characters; one blank separates the columns.
        label.resize(14, ' ');
        out += "    " + label + kept[i] + "\n";
    }
}

}  // namespace

std::string durability_table(const config::Config& config) {
    if (!config.store.is_used()) return "store: none; sessions and messages end with the broker\n";
    std::string out = "store: " + config.store.path + "\nwhat acknowledged messages survive:\n";
    // From the safest level to the least safe one.
    for (const Durability level : {Durability::durable, Durability::relaxed, Durability::ram}) {
        append_level(config, level, out);
    }
    return out;
}

}  // namespace ledge::daemon
