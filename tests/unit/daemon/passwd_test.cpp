#include "passwd.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

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

using Edited = Result<std::string, Error>;

Edit become(std::string text) {
    return [text = std::move(text)](std::string_view) -> Edited { return text; };
}

}  // namespace

TEST_CASE("a file is replaced as a whole: a new one is private, an old one keeps its mode") {
    const Folder folder;
    const std::string path = folder.file("users");
    REQUIRE(edit_file(path, become("one\n")).ok());
    CHECK(content(path) == "one\n");
    CHECK(mode(path) == 0600U);
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    REQUIRE(edit_file(path, become("two\n")).ok());
    CHECK(content(path) == "two\n");
    CHECK(mode(path) == 0640U);
    CHECK(folder.files() == 1);
    const auto failed = edit_file(folder.file("none/users"), become("x"));
    REQUIRE_FALSE(failed.ok());
    CHECK((failed.error().code == std::errc::no_such_file_or_directory));
}

TEST_CASE("an edit that fails changes nothing") {
    const Folder folder;
    const std::string path = folder.file("users");
    std::ofstream(path) << "one\n";
    const auto failed = edit_file(path, [](std::string_view) -> Edited { return Failure{Error{{}, "no"}}; });
    REQUIRE_FALSE(failed.ok());
    CHECK(text_of(failed.error()) == "no");
    CHECK(content(path) == "one\n");
    CHECK(folder.files() == 1);
}

TEST_CASE("a symbolic link stays, and the file behind it is edited; a link to nothing is refused") {
    const Folder folder;
    const std::string target = folder.file("target");
    const std::string link = folder.file("link");
    std::ofstream(target) << "one\n";
    REQUIRE(::chmod(target.c_str(), 0640) == 0);
    std::filesystem::create_symlink("target", link);
    REQUIRE(edit_file(link, become("two\n")).ok());
    CHECK(std::filesystem::is_symlink(link));
    CHECK(content(target) == "two\n");
    CHECK(mode(target) == 0640U);
    std::filesystem::remove(target);
    CHECK_FALSE(edit_file(link, become("three\n")).ok());
    CHECK(std::filesystem::is_symlink(link));
}

TEST_CASE("of twenty edits at once none is lost") {
    const Folder folder;
    const std::string path = folder.file("users");
    std::ofstream(path) << "";
    constexpr int editors = 20;
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < editors; ++i) {
        threads.emplace_back([&] {
            const auto edited =
                edit_file(path, [](std::string_view text) -> Edited { return std::string(text) + "x"; });
            if (edited.ok()) ++done;
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(done == editors);
    CHECK(content(path) == std::string(editors, 'x'));
}

TEST_CASE("a pipe in place of the file is refused and does not make anybody wait") {
    const Folder folder;
    const std::string path = folder.file("users");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const auto failed = edit_file(path, become("x"));
    REQUIRE_FALSE(failed.ok());
    CHECK(text_of(failed.error()).find("is a pipe") != std::string::npos);
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
