// Where a configuration comes from, what is wrong with it, and how large it may be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ledge::config {

/// The part of the command line that concerns the configuration. Flags override the file; --set overrides other flags.
struct Sources {
    std::optional<std::string> file;        // -c: path of the file; nullopt = built-in defaults
    std::vector<std::string> listen;        // --listen: urls of listeners that replace the configured ones
    std::optional<std::string> store;       // --store: store.path
    std::optional<std::string> durability;  // --durability: store.durability
    bool allow_anonymous = false;           // --allow-anonymous: on every listener
    std::vector<std::string> set;           // --set: KEY=VALUE
};

/// One mistake in the configuration.
struct Complaint {
    std::string place;  // "ledgemq.toml:12", "--set limits.x", "--listen URL"
    std::string text;

    /// "PLACE: TEXT"
    std::string line() const { return place.empty() ? text : place + ": " + text; }
};

inline constexpr std::size_t file_bytes_max = 1024 * 1024;
inline constexpr std::size_t line_bytes_max = 1024;
inline constexpr std::size_t complaints_max = 100;  // per call; one more line counts the rest
inline constexpr std::size_t listeners_max = 64;

}  // namespace ledge::config
