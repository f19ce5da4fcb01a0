// [bridges.NAME]: reads, checks and prints bridges to other brokers. A route has a number, its position from 1:
// bridges.cloud.routes.1.filter.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assignment.hpp"
#include "ledge/config/bridge_settings.hpp"

namespace ledge::config {

struct Origin;

inline constexpr std::size_t bridges_max = 16;
inline constexpr std::size_t routes_max = 64;  // of one bridge
inline constexpr std::size_t bridge_name_bytes_max = 64;
inline constexpr std::size_t claims_max = 32;  // of one bridge, beside those that have keys of their own

/// key -> where its value was set.
using Places = std::map<std::string, std::string>;

/// The lists that checks of bridges add to: those of a Loaded.
struct BridgeFindings {
    std::vector<Complaint>& complaints;
    std::vector<std::string>& notes;
};

/// Collects the assignments below bridges.
class Bridges {
public:
    /// True: the key is bridges or below it.
    static bool is_of_bridges(std::string_view key);
    /// True: the key is bridges.NAME.routes, whose value is a list of sections.
    static bool is_routes_key(std::span<const std::string> path);

    /// Requires is_of_bridges(assignment.key). Returns the mistake, which continues "key '...' "; "" = no mistake. Adds
    /// the key to `places`, and the keys of the sections that it begins.
    std::string assign(const Assignment& assignment, Places& places);

    /// Returns the bridges, sorted by name, after those without a mistake so far have been checked. Adds complaints and
    /// notes.
    std::vector<BridgeSettings> finish(const Places& places, BridgeFindings findings);

private:
    std::string assign_key(BridgeSettings& settings, const Assignment& assignment, std::string_view rest,
                           Places& places);
    std::string assign_route(BridgeSettings& settings, const Assignment& assignment, std::string_view rest,
                             Places& places);
    static std::string assign_claim(BridgeSettings& settings, const Assignment& assignment, std::string_view rest);

    std::map<std::string, BridgeSettings> drafts_;  // by name
    std::set<std::string> broken_;                  // names of bridges with a mistake
};

/// Checks the combinations of options of each bridge, and the routes of all bridges together. Fills the parsed members
/// of `bridges`. A bridge whose name is in `broken` is not checked: its mistakes have their complaints.
void check_bridges(std::vector<BridgeSettings>& bridges, const Places& places, const std::set<std::string>& broken,
                   BridgeFindings findings);

/// Checks the client ids of all bridges. `machine`: as for client_id_of().
void check_bridge_client_ids(const std::vector<BridgeSettings>& bridges, const Places& places, std::string_view machine,
                             BridgeFindings findings);

/// A mistake in a bridge.
struct BridgeProblem {
    std::string_view key;  // below the bridge, "password_file"
    std::string text;
};

/// Checks how one bridge logs in, without reading a file.
std::vector<BridgeProblem> check_login(const BridgeSettings& settings);

/// How the bridge gets its password, as a sentence for `ledgemq check`. Requires has_password().
std::string explain_login(const BridgeSettings& settings);

/// Why this process cannot or must not run the program; "" = it may. Looks at the file.
std::string problem_of_program(const std::string& path);

/// Checks the files that the bridges name. Adds complaints.
void check_bridge_files(const std::vector<BridgeSettings>& bridges, const Places& places,
                        std::vector<Complaint>& complaints);

/// The bridges as TOML with their documentation, for --print-config. Without a bridge, an example in comments. Ends in
/// an empty line.
std::string print_bridges(const std::vector<BridgeSettings>& bridges, const Origin& origin);

/// Adds all keys of the bridges with their values as TOML, for differences().
void flatten_bridges(const std::vector<BridgeSettings>& bridges, std::map<std::string, std::string>& out);

}  // namespace ledge::config
