#include "passwd.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace ledge;
using namespace ledge::daemon;

namespace {

class Folder {
public:
    Folder() : path_(std::filesystem::temp_directory_path() / ("ledgemq-passwd-" + std::to_string(::getpid()))) {
        std::filesystem::create_directory(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string file(const char* name) const { return (path_ / name).string(); }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
    }

private:
    std::filesystem::path path_;
};

std::string content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

mode_t mode(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

}  // namespace

TEST_CASE("a file is replaced as a whole: a new one is private, an old one keeps its mode") {
    const Folder folder;
    const std::string path = folder.file("users");
    REQUIRE(replace_file(path, "one\n").ok());
    CHECK(content(path) == "one\n");
    CHECK(mode(path) == 0600U);
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    REQUIRE(replace_file(path, "two\n").ok());
    CHECK(content(path) == "two\n");
    CHECK(mode(path) == 0640U);
    CHECK(folder.files() == 1);
    const auto failed = replace_file(folder.file("none/users"), "x");
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().find("No such file or directory") != std::string::npos);
}

TEST_CASE("names that cannot be users and files with mistakes end with 2, before any password is asked for") {
    const Folder folder;
    const std::string path = folder.file("users");
    CHECK(use_passwd({.file = path, .user = "a:b"}) == config::exit_bad_configuration);
    std::ofstream(path) << "alice:plain\n";
    CHECK(use_passwd({.file = path, .user = "bob"}) == config::exit_bad_configuration);
    CHECK(content(path) == "alice:plain\n");
    std::ofstream(path) << "";
    CHECK(use_passwd({.is_removal = true, .file = path, .user = "bob"}) == config::exit_failure);
    CHECK(use_passwd({.is_verification = true, .file = path, .user = "bob"}) == config::exit_failure);
}
