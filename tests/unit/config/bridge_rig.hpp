// What the tests of bridges share: texts of configurations, and files of secrets.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "helpers.hpp"

namespace ledge::config {

/// The smallest useful bridge. `more` are further lines of [bridges.x], from line 3 on. `sections` follows the only
/// route, so its first lines may be keys of this route; without `more` it begins in line 5.
inline std::string bridge_text(const std::string& more = "", const std::string& sections = "") {
    return "[bridges.x]\nurls = ['mqtt://broker.example']\n" + more + "[[bridges.x.routes]]\nfilter = 'a/#'\n" +
           sections;
}

inline BridgeSettings one_bridge(const std::string& toml) {
    const Loaded loaded = load_text(toml);
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    REQUIRE(loaded.config.bridges.size() == 1);
    return loaded.config.bridges.front();
}

inline bool has_note(const Loaded& loaded, std::string_view part) {
    return std::ranges::any_of(loaded.notes,
                               [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

/// A file with this text and mode in a new folder; both are removed at the end.
class SecretFile {
public:
    SecretFile(std::string_view text, ::mode_t mode) {
        std::string pattern = (std::filesystem::temp_directory_path() / "ledge-bridges-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
        std::ofstream(path(), std::ios::binary) << text;
        REQUIRE(::chmod(path().c_str(), mode) == 0);
    }
    SecretFile(const SecretFile&) = delete;
    SecretFile& operator=(const SecretFile&) = delete;
    ~SecretFile() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::string path() const { return folder_ + "/password"; }

private:
    std::string folder_;
};

}  // namespace ledge::config
