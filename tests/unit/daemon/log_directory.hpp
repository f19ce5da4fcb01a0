// LogDirectory: an empty directory of a test for log files and sockets, removed at its end.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace ledge::daemon {

class LogDirectory {
public:
    LogDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ledgemq-log-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~LogDirectory() { std::filesystem::remove_all(path_); }
    LogDirectory(const LogDirectory&) = delete;
    LogDirectory& operator=(const LogDirectory&) = delete;

    std::string operator/(std::string_view name) const { return (path_ / name).string(); }
    /// The content of a file, "" if there is none.
    std::string text(std::string_view name) const {
        std::ifstream file(path_ / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    std::filesystem::path path_;
};

}  // namespace ledge::daemon
