// Turns configuration files and command-line flags into a Config, or into a list of all mistakes in them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/config/config.hpp"
#include "ledge/config/sources.hpp"

namespace ledge::auth {
struct Policy;
}  // namespace ledge::auth

namespace ledge::config {

struct Devices;

struct Loaded {
    Config config;  // valid only if ok()
    // The content of the files of [auth]; valid only if ok(). nullptr after parse(), which reads no file.
    std::shared_ptr<const auth::Policy> policy;
    // The devices files of listeners, by the name of the listener; as `policy`.
    std::map<std::string, std::shared_ptr<const Devices>> devices;
    std::vector<Complaint> complaints;          // in the order in which they were found
    std::map<std::string, std::string> places;  // key -> where its value was set, for later complaints
    // key -> its value as it was written, as TOML, for values with references (${env:NAME}, ${file:PATH})
    std::map<std::string, std::string> written;
    std::vector<std::string> files;  // configuration files that were read: sources.file, and those that it includes
    std::vector<std::string> policy_files;  // files of [auth] and devices files, also those that could not be read
    std::vector<std::string> notes;         // warnings: allowed, but the operator should know
    // Values from outside that may be secrets, each with the reference that it came from. See hide_values().
    std::vector<std::pair<std::string, std::string>> outside_values;

    bool ok() const { return complaints.empty(); }
};

/// Reads the configuration file, if `sources` names one, and the files that its [auth] names.
Loaded load(const Sources& sources);

/// As load(), but `toml` is the text of the configuration file, and `sources.file` is only its name in complaints.
/// Reads no file, so there is no policy, and includes and references are mistakes.
Loaded parse(std::string_view toml, const Sources& sources);

/// Replaces values from outside in complaints and notes by their references. Whoever adds complaints after load() calls
/// this: a secret that is written where a path is expected must not reach the log.
void hide_values(Loaded& loaded);
/// The same for another text.
std::string without_values(const Loaded& loaded, std::string text);

/// The paths of the devices files, by the name of their listener.
std::map<std::string, std::string> devices_files_of(const Config& config);

/// Reads only the files that `settings` names, and the devices files. Fills config.auth, policy, devices, policy_files,
/// complaints and notes.
Loaded load_policy(const AuthSettings& settings, const std::map<std::string, std::string>& devices_files = {});

/// Adds complaints about bridges that have the same client id at the same broker. `machine`: as for client_id_of().
void check_client_ids(Loaded& loaded, std::string_view machine);

/// All values of `config` as a documented TOML file. parse() of this text gives the same Config.
std::string print(const Config& config);
/// The same. A comment behind each value that was set has the file and the line, or the flag. A value with references
/// is shown as it was written. load() of this text gives the same Config as long as the references do.
std::string print(const Loaded& loaded);

/// "KEY = VALUE", and in a second line where the value was set. The error says that there is no such key, and names the
/// nearest one.
Result<std::string, std::string> explain_key(const Loaded& loaded, const std::string& key);

/// The sorted keys whose values differ. All keys of a listener that only one configuration has are among them.
std::vector<std::string> differences(const Config& before, const Config& after);

}  // namespace ledge::config
