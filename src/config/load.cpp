// Loads a configuration in three steps. Files and flags become a list of assignments. Each assignment is converted by
// its row of the table of options and written to its place. Then the options that depend on each other are checked. All
// mistakes are collected, not only the first one.
#include "ledge/config/load.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "admin_tokens.hpp"
#include "assignment.hpp"
#include "bridges.hpp"
#include "checks.hpp"
#include "convert.hpp"
#include "include.hpp"
#include "ledge/base/assert.hpp"
#include "levels.hpp"
#include "mqttsn.hpp"
#include "nearest.hpp"
#include "options.hpp"
#include "policy_files.hpp"
#include "references.hpp"
#include "toml_file.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view listeners_prefix = "listeners.";
constexpr std::size_t listener_name_bytes_max = 64;

/// A parsed key: an option, and the listener that it belongs to.
struct Target {
    const Option* option = nullptr;  // nullptr = the key is unknown
    std::string listener;            // "" for options of the broker and for [limits]
};

/// The key in quotes for a complaint. A long key is cut, because a complaint must fit into a line of a terminal.
std::string show_key(std::string_view key) {
    constexpr std::size_t shown_bytes_max = 200;
    return "'" + std::string(key.substr(0, shown_bytes_max)) + (key.size() > shown_bytes_max ? "...'" : "'");
}

/// Collects the assignments of one start or reload. A mistake adds a complaint, and the loading goes on, so that the
/// operator sees all mistakes at once.
class Loader {
public:
    explicit Loader(Outside outside) : references_(std::move(outside)) {}

    Loaded run(std::vector<Assignment> from_file, const Sources& sources) {
        // Flags become assignments, so each of them is converted and checked like a line of the file.
        std::vector<Assignment> from_flags = flags_to_assignments(sources);
        // --listen replaces the listeners of the file. Without any listener, the default one is used.
        const bool has_listeners = std::any_of(from_file.begin(), from_file.end(), names_listener) ||
                                   std::any_of(from_flags.begin(), from_flags.end(), names_new_listener);
        if (!sources.listen.empty()) {
            note_replaced(from_file);
            std::erase_if(from_file, is_of_listener);
        } else if (!has_listeners) {
            drafts_[std::string(default_listener_name)].url = default_listener_url;
        }
        const bool is_durability_flag = std::ranges::any_of(
            from_flags, [](const Assignment& assignment) { return assignment.key == "store.durability"; });
        // Behind the file, because a later assignment of the same key overrides an earlier one.
        std::move(from_flags.begin(), from_flags.end(), std::back_inserter(from_file));
        expand(from_file);

        // Two passes, because the limits of a listener start from [limits], which may stand below it in the file. Flags
        // come after the file in the list and so override it.
        for (const Assignment& assignment : from_file) {
            if (!is_of_listener(assignment)) assign(assignment);
        }
        // The default listener was made before [limits] was complete.
        for (auto& [name, draft] : drafts_) draft.limits = loaded_.config.limits;
        for (const Assignment& assignment : from_file) {
            if (is_of_listener(assignment)) assign(assignment);
        }
        // After all assignments: the flag holds for every listener, whatever the file says (README).
        if (sources.allow_anonymous) {
            for (auto& [name, draft] : drafts_) draft.allow_anonymous = true;
        }
        // The checks of combinations come last, because they need the final value of each option.
        loaded_.config.shard.durability.overrides = levels_.finish(loaded_.complaints);
        loaded_.config.admin.tokens = admin_tokens_.finish(loaded_.complaints);
        check_all(loaded_, drafts_, places_, is_durability_flag);
        loaded_.config.bridges = bridges_.finish(places_, {loaded_.complaints, loaded_.notes});
        // The daemon reads further files later, and its complaints name the same places.
        loaded_.places = std::move(places_);
        loaded_.outside_values = references_.take_values();
        loaded_.written = references_.take_written();
        return std::move(loaded_);
    }

    void complain(std::vector<Complaint> complaints) {
        for (Complaint& complaint : complaints) loaded_.complaints.push_back(std::move(complaint));
    }

private:
    /// Replaces references by their values. An assignment whose reference is wrong is left out: a complaint about its
    /// value would be a second one about the same mistake.
    void expand(std::vector<Assignment>& assignments) {
        std::erase_if(assignments, [this](Assignment& assignment) {
            const std::string problem = references_.expand(assignment);
            if (problem.empty()) return false;
            complain(assignment.place, "key " + show_key(assignment.key) + " " + problem);
            // The checks of combinations must not say that the key is not set.
            places_[assignment.key] = assignment.place;
            return true;
        });
    }

    static bool names_listener(const Assignment& assignment) { return assignment.key.starts_with(listeners_prefix); }

    /// --set listeners.NAME.url adds a listener like a file does, so the default listener is not added.
    static bool names_new_listener(const Assignment& assignment) {
        return names_listener(assignment) && assignment.key.ends_with(".url");
    }

    /// Adds a note that --listen makes the listeners of the file, with all their keys, ineffective.
    void note_replaced(const std::vector<Assignment>& from_file) {
        // A set, because a listener has many keys but is named once.
        std::set<std::string> names;
        for (const Assignment& assignment : from_file) {
            if (!names_listener(assignment)) continue;
            const std::string_view rest = std::string_view(assignment.key).substr(listeners_prefix.size());
            names.insert("[listeners." + std::string(rest.substr(0, rest.find('.'))) + "]");
        }
        if (names.empty()) return;
        std::string list;
        for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
        loaded_.notes.push_back("--listen replaces the listeners of the file: " + list +
                                " and every key below, also allow_anonymous, have no effect; add --allow-anonymous "
                                "or --set listeners.NAME.url=URL if you want them");
    }

    /// "listeners" alone is an empty section or a mistake, and --listen replaces it too.
    static bool is_of_listener(const Assignment& assignment) {
        return assignment.key == "listeners" || names_listener(assignment);
    }

    void complain(std::string place, std::string text) {
        loaded_.complaints.push_back({std::move(place), std::move(text)});
    }

    /// The flags in the form of assignments, so that one path converts and checks both. --listen has no name for its
    /// listener, so the position of the flag makes one: "listen-1".
    std::vector<Assignment> flags_to_assignments(const Sources& sources) {
        std::vector<Assignment> result;
        for (std::size_t i = 0; i < sources.listen.size(); ++i) {
            const std::string key = std::string(listeners_prefix) + "listen-" + std::to_string(i + 1) + ".url";
            // For a flag the place is its text, because it has no line.
            result.push_back({key, sources.listen[i], "--listen " + sources.listen[i], true});
        }
        if (sources.store) result.push_back({"store.path", *sources.store, "--store", true});
        if (sources.durability) result.push_back({"store.durability", *sources.durability, "--durability", true});
        for (const std::string& text : sources.set) {
            // Only the first "=" separates. A value may contain further ones, as base64 does.
            const std::size_t equals = text.find('=');
            // A mistake in one flag must not hide those of the others, so the loop goes on.
            if (equals == std::string::npos || equals == 0) {
                complain("--set " + text, "must be KEY=VALUE, for example limits.inflight_max=200");
            } else {
                const std::string key = text.substr(0, equals);
                result.push_back({key, text.substr(equals + 1), "--set " + key, true});
            }
        }
        return result;
    }

    /// Finds the option of the key, converts the value, and writes the value to its place; or adds a complaint.
    void assign(const Assignment& assignment) {
        if (Levels::is_of_levels(assignment.key)) {
            places_[assignment.key] = assignment.place;
            const std::string problem = levels_.assign(assignment);
            if (!problem.empty()) complain(assignment.place, "key " + show_key(assignment.key) + " " + problem);
            return;
        }
        if (AdminTokens::is_of_tokens(assignment.key)) {
            places_[assignment.key] = assignment.place;
            const std::string problem = admin_tokens_.assign(assignment);
            if (!problem.empty()) complain(assignment.place, "key " + show_key(assignment.key) + " " + problem);
            return;
        }
        if (Bridges::is_of_bridges(assignment.key)) {
            const std::string problem = bridges_.assign(assignment, places_);
            if (!problem.empty()) complain(assignment.place, "key " + show_key(assignment.key) + " " + problem);
            return;
        }
        if (const auto topics = predefined_topics_part(assignment.key))
            return assign_topic_of_devices(assignment, *topics);
        // Before the table, because [log] alone is allowed although it is no key.
        if (is_section(assignment)) return;
        // A key that no row of the table has. The complaint proposes the nearest known key.
        const Target target = find_target(assignment.key);
        if (target.option == nullptr) return complain_unknown(assignment);
        LEDGE_ASSERT(!target.listener.empty() || target.option->scope != Scope::listener);
        ListenerDraft* draft = nullptr;
        if (!target.listener.empty()) {
            draft = draft_of(target.listener, assignment.place);
            // The name of the listener is wrong or there are too many of them; the complaint is there already.
            if (draft == nullptr) return;
        }
        // Set even if the value is wrong, so that the checks can tell "not set" from "set wrongly".
        places_[assignment.key] = assignment.place;
        const Option& option = *target.option;
        const auto value = convert(option, assignment);
        if (!value) return complain(assignment.place, "key " + show_key(assignment.key) + " " + value.error());
        // A row of [limits] writes to the limits of the listener, if the key names one.
        option.set({&loaded_.config, draft != nullptr ? &draft->limits : &loaded_.config.limits, draft}, *value);
    }

    void assign_topic_of_devices(const Assignment& assignment, std::string_view rest) {
        ListenerDraft* const draft = draft_of(listener_of_predefined_topics(assignment.key), assignment.place);
        if (draft == nullptr) return;
        places_[assignment.key] = assignment.place;
        const std::string problem = assign_predefined_topic(draft->mqttsn, assignment, rest);
        if (!problem.empty()) complain(assignment.place, "key " + show_key(assignment.key) + " " + problem);
    }

    /// True: the key names a section. An empty section is allowed and changes nothing; a value in its place is a
    /// mistake.
    bool is_section(const Assignment& assignment) {
        const std::string_view key = assignment.key;
        const auto* other = std::get_if<OtherValue>(&assignment.value);
        const bool is_table = other != nullptr && other->kind == table_kind;
        if (key == "listeners") {
            if (!is_table)
                complain(assignment.place, "listeners have names: write [listeners.NAME], with a url below it");
            return true;
        }
        if (key.starts_with(listeners_prefix) && find_dot(key, listeners_prefix.size()) == key.size()) {
            if (is_table) {
                draft_of(std::string(key.substr(listeners_prefix.size())), assignment.place);
            } else {
                complain(assignment.place, show_key(key) + " is a section: write [" + assignment.key + "]");
            }
            return true;
        }
        const std::string_view section = section_part(key);
        // Every known section has a help text.
        if (section_help(section).empty()) return false;
        if (!is_table) complain(assignment.place, show_key(key) + " is a section: write [" + assignment.key + "]");
        return true;
    }

    /// "limits" for "listeners.lan.limits", and "" if listeners have no such section. Any other key as it is.
    static std::string_view section_part(std::string_view key) {
        if (!key.starts_with(listeners_prefix)) return key;
        const std::size_t dot = find_dot(key, listeners_prefix.size());
        const std::string_view section = key.substr(std::min(dot + 1, key.size()));
        const bool is_of_listeners = std::any_of(options().begin(), options().end(), [&](const Option& option) {
            return option.scope != Scope::broker && !section.empty() && option.section == section;
        });
        return is_of_listeners ? section : std::string_view();
    }

    /// The place of the next dot, or the end of the key. No dot is a place too, so callers need not ask for npos.
    static std::size_t find_dot(std::string_view key, std::size_t from) {
        return std::min(key.find('.', from), key.size());
    }

    /// Splits "listeners.NAME.KEY" and looks KEY up among the options of listeners; any other key among those of the
    /// broker.
    static Target find_target(std::string_view key) {
        Target target;
        if (key.starts_with(listeners_prefix)) {
            const std::size_t dot = find_dot(key, listeners_prefix.size());
            target.listener = key.substr(listeners_prefix.size(), dot - listeners_prefix.size());
            // Without a key behind the name nothing is left, which no row has.
            key.remove_prefix(std::min(dot + 1, key.size()));
        }
        for (const Option& option : options()) {
            const bool may_be_here =
                target.listener.empty() ? option.scope != Scope::listener : option.scope != Scope::broker;
            if (may_be_here && option.has_key(key)) target.option = &option;
        }
        return target;
    }

    /// The draft of this name, a new one if need be. nullptr: a complaint has been added.
    ListenerDraft* draft_of(const std::string& name, const std::string& place) {
        if (!is_bare_key(name) || name.size() > listener_name_bytes_max) {
            complain(place, "a listener's name has 1 to 64 letters, digits, '-' and '_', not " + show_key(name));
            return nullptr;
        }
        LEDGE_ASSERT(drafts_.size() <= listeners_max);
        const auto found = drafts_.find(name);
        if (found != drafts_.end()) return &found->second;
        if (drafts_.size() == listeners_max) {
            complain(place, "more than " + std::to_string(listeners_max) + " listeners");
            return nullptr;
        }
        // [limits] is complete when the keys of listeners are assigned, so its values are the defaults of a listener.
        ListenerDraft& draft = drafts_[name];
        draft.limits = loaded_.config.limits;
        // Complaints about the listener as a whole, such as a missing url, name the place of its first key.
        places_[std::string(listeners_prefix) + name] = place;
        return &draft;
    }

    void complain_unknown(const Assignment& assignment) {
        // TOML has no way back to the top of a file, so `include` below a section is a key of that section.
        if (assignment.key.ends_with(".include"))
            return complain(assignment.place,
                            "key " + show_key(assignment.key) + " is unknown; write include above the first section");
        const std::string meant = meant_by(assignment.key);
        complain(assignment.place, "key " + show_key(assignment.key) + " is unknown; " +
                                       (meant.empty() ? "ledgemq --print-config shows all keys"
                                                      : "did you mean " + show_key(meant) + "?"));
    }

    /// The known key that is nearest to `key`, "" if none is near. Keys of the same section come first, and
    /// [listener.lan] is read as [listeners.lan], [bridge.cloud] as [bridges.cloud].
    static std::string meant_by(std::string_view key) {
        const std::size_t first = key.find('.');
        const std::string_view section = key.substr(0, std::min(first, key.size()));
        // [bridge.cloud] is meant to be [bridges.cloud]; the rest of the key is checked when it is mended.
        if (first != std::string_view::npos && distance_of(section, "bridges") <= 2)
            return "bridges." + std::string(key.substr(first + 1));
        // Before the search below, which for a key that does not begin with "listeners." looks only among the keys of
        // the broker and of [limits].
        if (first != std::string_view::npos && section != "listeners" && distance_of(section, "listeners") <= 2) {
            const std::string meant = std::string(listeners_prefix) + std::string(key.substr(first + 1));
            return find_target(meant).option != nullptr ? meant : meant_by(meant);
        }
        const std::vector<std::string> all = candidates_for(key);
        const std::size_t last = key.rfind('.');
        std::vector<std::string> near;
        std::ranges::copy_if(all, std::back_inserter(near), [&](const std::string& candidate) {
            return last != std::string_view::npos && candidate.rfind('.') == last &&
                   candidate.starts_with(key.substr(0, last));
        });
        // A slip in the last part is more likely than a key of another section.
        const std::string meant = nearest(key, near);
        return meant.empty() ? nearest(key, all) : meant;
    }

    /// The time of edit_distance() grows with the square of the length, so a long word gets no exact answer.
    static std::size_t distance_of(std::string_view word, std::string_view known) {
        return word.size() > nearest_bytes_max ? nearest_bytes_max : edit_distance(word, known);
    }

    /// All keys that could stand where `key` stands: those of its listener, or those of the broker and [limits].
    static std::vector<std::string> candidates_for(std::string_view key) {
        std::vector<std::string> result;
        std::string listener(listeners_prefix);
        const bool is_of_listener = key.starts_with(listeners_prefix);
        if (is_of_listener) listener = std::string(key.substr(0, find_dot(key, listeners_prefix.size()))) + ".";
        for (const Option& option : options()) {
            if (is_of_listener ? option.scope != Scope::broker : option.scope != Scope::listener) {
                result.push_back(is_of_listener ? listener + option.key() : option.key());
            }
        }
        return result;
    }

    Loaded loaded_;
    References references_;
    std::map<std::string, ListenerDraft> drafts_;
    Levels levels_;
    AdminTokens admin_tokens_;
    Bridges bridges_;
    std::map<std::string, std::string> places_;  // key -> where its value was set last
};

/// Keeps the first complaints_max complaints; one more line counts the rest.
void bound_complaints(std::vector<Complaint>& complaints) {
    // A file of another format would cause a complaint for almost each line.
    if (complaints.size() <= complaints_max) return;
    const std::size_t more = complaints.size() - complaints_max;
    complaints.resize(complaints_max);
    complaints.push_back({"", "... and " + std::to_string(more) + " more"});
}

}  // namespace

std::string without_values(const Loaded& loaded, std::string text) {
    return without_values(std::move(text), loaded.outside_values);
}

void hide_values(Loaded& loaded) {
    for (Complaint& complaint : loaded.complaints) {
        complaint.place = without_values(loaded, std::move(complaint.place));  // may be the path of a key
        complaint.text = without_values(loaded, std::move(complaint.text));
    }
    for (std::string& note : loaded.notes) note = without_values(loaded, std::move(note));
}

Loaded load(const Sources& sources) {
    ConfigurationFiles files;
    if (sources.file) files = read_configuration_files(*sources.file);
    // The flags are still checked after a complaint, so that all mistakes are told at once.
    Loader loader(system_outside());
    loader.complain(std::move(files.complaints));
    Loaded loaded = loader.run(std::move(files.assignments), sources);
    loaded.files = std::move(files.files);
    // Also after complaints, so that mistakes in the files of [auth] are told in the same answer.
    load_policy(loaded);
    load_devices(devices_files_of(loaded.config), loaded);
    check_bridge_files(loaded.config.bridges, loaded.places, loaded.complaints);
    check_serial_ports(loaded);
    bound_complaints(loaded.complaints);
    hide_values(loaded);
    return loaded;
}

Loaded load_policy(const AuthSettings& settings, const std::map<std::string, std::string>& devices_files) {
    Loaded loaded;
    loaded.config.auth = settings;
    load_policy(loaded);
    load_devices(devices_files, loaded);
    bound_complaints(loaded.complaints);
    return loaded;
}

void check_client_ids(Loaded& loaded, std::string_view machine) {
    check_bridge_client_ids(loaded.config.bridges, loaded.places, machine, {loaded.complaints, loaded.notes});
    bound_complaints(loaded.complaints);
}

Loaded parse(std::string_view toml, const Sources& sources) {
    TomlText text = read_toml(toml, sources.file.value_or("configuration"));
    Loader loader(empty_outside());
    loader.complain(std::move(text.complaints));
    Loaded loaded = loader.run(std::move(text.assignments), sources);
    bound_complaints(loaded.complaints);
    hide_values(loaded);
    return loaded;
}

}  // namespace ledge::config
