// ConfigurationDirectory: files of a configuration in an empty directory of a test, removed at its end.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "helpers.hpp"

namespace ledge::config {

class ConfigurationDirectory {
public:
    ConfigurationDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ledgemq-conf-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~ConfigurationDirectory() { std::filesystem::remove_all(path_); }
    ConfigurationDirectory(const ConfigurationDirectory&) = delete;
    ConfigurationDirectory& operator=(const ConfigurationDirectory&) = delete;

    std::string operator/(std::string_view name) const { return (path_ / name).string(); }
    /// Writes a file, and the directories above it.
    void write(std::string_view name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
    }
    /// Loads main.toml.
    Loaded load_main(Sources sources = {}) const {
        sources.file = *this / "main.toml";
        return load(sources);
    }
    /// The complaints about main.toml, with "@/" in place of the directory.
    std::vector<std::string> complaints() const {
        std::vector<std::string> lines = lines_of(load_main());
        const std::string directory = path_.string() + "/";
        for (std::string& line : lines) {
            for (std::size_t at; (at = line.find(directory)) != std::string::npos;)
                line.replace(at, directory.size(), "@/");
        }
        return lines;
    }

private:
    std::filesystem::path path_;
};

}  // namespace ledge::config
