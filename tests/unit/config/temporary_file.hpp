// TemporaryFile: a file of a test, removed at its end.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ledge::config {

class TemporaryFile {
public:
    TemporaryFile(const char* name, const std::string& text, mode_t mode = 0600)
        : path_(std::filesystem::temp_directory_path() / ("ledgemq-" + std::to_string(::getpid()) + name)) {
        std::ofstream(path_) << text;
        ::chmod(path_.c_str(), mode);
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

}  // namespace ledge::config
