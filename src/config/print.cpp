// Prints a Config as a documented TOML file, and finds the keys in which two Configs differ.
#include <algorithm>
#include <map>

#include "admin_tokens.hpp"
#include "assignment.hpp"
#include "bridges.hpp"
#include "checks.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/config/load.hpp"
#include "levels.hpp"
#include "mqttsn.hpp"
#include "nearest.hpp"
#include "options.hpp"
#include "print_option.hpp"

namespace ledge::config {
namespace {

// The first lines of --print-config and of config/ledgemq.toml, which a test keeps equal.
constexpr std::string_view header =
    "# The configuration of ledgemq: every option with its meaning, unit, default and range.\n"
    "# `ledgemq --print-config` prints this file with the effective values. Leave out every key that keeps its\n"
    "# default; the smallest useful file is minimal.toml. Every key can also be set on the command line with\n"
    "# --set KEY=VALUE, for example --set limits.inflight_max=200 or --set listeners.local.connections_max=50.\n"
    "# A size is a number of bytes or a text with a unit: \"4 MiB\" (B, KiB, MiB, GiB, TiB). Keys that end in _s are\n"
    "# seconds, keys that end in _ms milliseconds; both also accept a text with a unit: \"5 min\" (ms, s, min, h, d).\n"
    "# Unknown keys are errors. `ledgemq check -c FILE` names every mistake in a file and who may log in where.\n";

constexpr std::string_view listener_help =
    "A listener is an address where clients connect. It has a name of letters, digits, '-' and '_', here: local. "
    "There may be up to 64 listeners; if none is configured, the broker uses the one below.";

/// The listener as a draft again, because options are rows about drafts.
ListenerDraft draft_of(const Config& config, std::size_t index) {
    LEDGE_ASSERT(index < config.sockets.size() && index < config.shard.listeners.size());
    const broker::ListenerOptions& options = config.shard.listeners[index];
    const ListenerSocket& socket = config.sockets[index];
    ListenerDraft draft;
    draft.name = options.name;
    draft.url = socket.url;
    // The value in force. The default of this key depends on other keys.
    draft.allow_anonymous = options.allow_anonymous;
    draft.connections_max = options.connections_max;
    draft.connections_per_second = socket.connections_per_second;
    draft.connections_burst = socket.connections_burst;
    draft.proxy_protocol = socket.proxy_protocol;
    draft.proxy_from = socket.proxy_from;
    draft.peer_credentials = socket.peer_credentials;
    draft.limits = options.limits;
    draft.user = socket.user;
    draft.websocket = socket.websocket;
    draft.mode = socket.mode;
    draft.mqttsn = socket.mqttsn;
    draft.lines = socket.lines;
    draft.tls = socket.tls;
    return draft;
}

/// A Place for Option::get. The casts are safe: this file calls no Option::set.
Place place_of(const Config& config, const session::SessionLimits& limits, const ListenerDraft& draft) {
    return {const_cast<Config*>(&config), const_cast<session::SessionLimits*>(&limits),
            const_cast<ListenerDraft*>(&draft)};
}

/// Appends one section of a listener, [listeners.NAME.SECTION]. Options that have their usual value are left out,
/// unless the section is printed as documentation. `usual`: the place of the usual values.
void append_section(std::string_view section, const ListenerDraft& draft, const Place& place, const Place& usual,
                    bool is_documented, const Origin& origin, std::string& out) {
    const std::string title = "[listeners." + draft.name + "." + std::string(section) + "]\n";
    bool has_title = false;
    for (const Option& option : options()) {
        // Options of the broker are printed by print().
        if (option.scope == Scope::broker || option.section != section) continue;
        if (!is_documented && option.get(place) == option.get(usual)) continue;
        // The title comes with the first option, so that no section is empty.
        if (!has_title && is_documented) append_comment(section_help(section), out);
        if (!has_title) out += (out.ends_with("\n\n") || is_documented ? "" : "\n") + title;
        has_title = true;
        append_option(option, place, is_documented, origin, out);
    }
}

void append_listener(const Config& config, std::size_t index, const Origin& all, std::string& out) {
    const ListenerDraft draft = draft_of(config, index);
    const Origin origin = all.below("listeners." + draft.name + ".");
    // Its values are the defaults, which a section leaves out.
    const ListenerDraft untouched;
    const Place place = place_of(config, draft.limits, draft);
    // The usual limits of a listener are those of [limits], not the built-in defaults.
    const Place usual = place_of(config, config.limits, untouched);
    const bool is_documented = index == 0;  // the help of options is printed once, at the first listener
    out += "[listeners." + draft.name + "]\n";
    for (const Option& option : options()) {
        // TOML requires the keys of a table before the tables inside it.
        if (option.scope == Scope::listener && option.section.empty())
            append_option(option, place, is_documented, origin, out);
    }
    // The rows of one section are neighbours in the table, so a new name begins a new section.
    std::string_view section;
    for (const Option& option : options()) {
        if (option.scope != Scope::listener || option.section == section) continue;
        section = option.section;
        if (!section.empty()) append_section(section, draft, place, usual, is_documented, origin, out);
    }
    append_predefined_topics(draft.name, draft.mqttsn, all, out);
    // Of [listeners.NAME.limits] only the values that differ from [limits]; that section has the documentation.
    append_section("limits", draft, place, usual, false, origin, out);
    if (!out.ends_with("\n\n")) out += "\n";
}

/// All keys with their values as TOML.
std::map<std::string, std::string> flatten(const Config& config) {
    std::map<std::string, std::string> result;
    // No option below reads this draft until the loop over the listeners, but a Place has one.
    const ListenerDraft none;
    for (const Option& option : options()) {
        // Each listener has these options; the loop below adds them.
        if (option.scope == Scope::listener) continue;
        result[option.key()] = literal(option, option.get(place_of(config, config.limits, none)));
    }
    // The list is one value, because its order counts.
    result[std::string(levels_key)] = levels_text(config.shard.durability.overrides);
    result[std::string(admin_tokens_key)] = admin_tokens_text(config.admin.tokens);
    flatten_bridges(config.bridges, result);
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        const ListenerDraft draft = draft_of(config, i);
        flatten_predefined_topics(draft.name, draft.mqttsn, result);
        for (const Option& option : options()) {
            if (option.scope == Scope::broker) continue;
            result["listeners." + draft.name + "." + option.key()] =
                literal(option, option.get(place_of(config, draft.limits, draft)));
        }
    }
    return result;
}

std::string print_all(const Config& config, const Origin& origin) {
    std::string out(header);
    out += "\n";
    append_comment(listener_help, out);
    for (std::size_t i = 0; i < config.sockets.size(); ++i) append_listener(config, i, origin, out);

    const ListenerDraft none;
    const Place place = place_of(config, config.limits, none);
    std::string_view section;
    for (const Option& option : options()) {
        // Printed above, by append_listener().
        if (option.scope == Scope::listener) continue;
        if (option.section != section) {
            // [[store.levels]] is no option, so it follows the options of [store]; [[admin.tokens]] is alike.
            if (section == "admin.tls") out += print_admin_tokens(config.admin.tokens, origin);
            if (section == "store") out += print_levels(config.shard.durability.overrides, origin);
            section = option.section;
            append_comment(section_help(section), out);
            out += "[" + std::string(section) + "]\n";
        }
        append_option(option, place, true, origin, out);
    }
    out += print_bridges(config.bridges, origin);
    out.pop_back();  // the empty line after the last option
    return out;
}

}  // namespace

std::string print(const Config& config) { return print_all(config, {}); }

std::string print(const Loaded& loaded) { return print_all(loaded.config, {&loaded, ""}); }

Result<std::string, std::string> explain_key(const Loaded& loaded, const std::string& key) {
    const auto values = flatten(loaded.config);
    const auto found = values.find(key);
    if (found == values.end()) {
        std::vector<std::string> keys;
        for (const auto& [name, value] : values) keys.push_back(name);
        const std::string meant = key.size() > nearest_bytes_max ? std::string() : nearest(key, keys);
        return Failure{"there is no key '" + key + "'" +
                       (meant.empty() ? "; ledgemq --print-config shows all keys" : "; did you mean '" + meant + "'?")};
    }
    const auto written = loaded.written.find(key);
    const auto place = loaded.places.find(key);
    return key + " = " + (written != loaded.written.end() ? written->second : found->second) + "\n" +
           (place == loaded.places.end()
                ? "nobody has set the key: the value is the default, or follows from other keys"
                : "set at " + place->second) +
           "\n";
}

std::vector<std::string> differences(const Config& before, const Config& after) {
    // Values are compared as text. A key that only one side has counts as a difference.
    const auto old_values = flatten(before);
    auto new_values = flatten(after);
    std::vector<std::string> result;
    for (const auto& [key, value] : old_values) {
        const auto found = new_values.find(key);
        if (found == new_values.end() || found->second != value) result.push_back(key);
        // What remains in `new_values` exists only in the new configuration.
        if (found != new_values.end()) new_values.erase(found);
    }
    for (const auto& [key, value] : new_values) result.push_back(key);
    // The keys of one listener become neighbours, on which the daemon relies (reload.cpp).
    std::sort(result.begin(), result.end());
    return result;
}

}  // namespace ledge::config
