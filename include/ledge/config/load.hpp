// From files and flags to a Config, or to everything that is wrong with them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/config/config.hpp"

namespace ledge::config {

/// What the command line says about the configuration. Flags win over the file; among flags, --set wins.
struct Sources {
    std::optional<std::string> file;        // -c: path of the file; without it: embedded defaults
    std::vector<std::string> listen;        // --listen: these listeners instead of the configured ones
    std::optional<std::string> store;       // --store: store.path
    std::optional<std::string> durability;  // --durability: store.durability
    bool allow_anonymous = false;           // --allow-anonymous: on every listener
    std::vector<std::string> set;           // --set: KEY=VALUE
};

struct Complaint {
    std::string place;  // "ledgemq.toml:12", "--set limits.x", "--listen URL"
    std::string text;

    /// "PLACE: TEXT"
    std::string line() const { return place.empty() ? text : place + ": " + text; }
};

struct Loaded {
    Config config;                              // use it only when there is no complaint
    auth::Policy policy;                        // what the files of [auth] say; the same holds
    std::vector<Complaint> complaints;          // in the order they were found
    std::map<std::string, std::string> places;  // key -> where it was said, for complaints about what a key names
    std::vector<std::string> policy_files;      // that were read for the policy, or would have been
    std::vector<std::string> notes;             // what is allowed but should be known: "nobody can log in at ..."

    bool ok() const { return complaints.empty(); }
};

inline constexpr std::size_t file_bytes_max = 1024 * 1024;
inline constexpr std::size_t line_bytes_max = 1024;
inline constexpr std::size_t complaints_max = 100;  // of one load
inline constexpr std::size_t listeners_max = 64;

/// Reads the file, if one is named, and those that it names in [auth].
Loaded load(const Sources& sources);

/// The same for the text of a file; `sources.file` is only its name in complaints. Reads nothing: the policy is empty.
Loaded parse(std::string_view toml, const Sources& sources);

/// Reads the files that [auth] names and nothing else: config.auth, policy, policy_files, complaints, notes.
Loaded load_policy(const AuthSettings& settings);

/// The effective values as a documented TOML file. parse() of it gives the same Config.
std::string print(const Config& config);

/// The keys in which two configurations differ, listeners that exist on one side only included.
std::vector<std::string> differences(const Config& before, const Config& after);

}  // namespace ledge::config
