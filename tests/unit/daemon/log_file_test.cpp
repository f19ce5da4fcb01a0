#include "log_file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "log_directory.hpp"

using namespace ledge::daemon;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

/// Files of this process may have `bytes` bytes at most: a full disk, as far as write() is concerned.
class LargestFile {
public:
    explicit LargestFile(rlim_t bytes) {
        former_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &former_) == 0);
        const rlimit limit{bytes, former_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~LargestFile() {
        ::setrlimit(RLIMIT_FSIZE, &former_);
        std::signal(SIGXFSZ, former_handler_);
    }
    LargestFile(const LargestFile&) = delete;
    LargestFile& operator=(const LargestFile&) = delete;

private:
    rlimit former_{};
    void (*former_handler_)(int) = SIG_DFL;
};

}  // namespace

TEST_CASE("a new log file is for its owner and its group, whatever the umask is; an existing one is continued") {
    const LogDirectory directory;
    const mode_t former = ::umask(0077);
    LogFile file(directory / "log");
    const bool is_open = static_cast<bool>(file.open());
    ::umask(former);
    REQUIRE(is_open);
    CHECK(mode_of(directory / "log") == 0640);
    CHECK(file.write("a\n"));
    LogFile again(directory / "log");
    REQUIRE(again.open());
    CHECK(again.write("b\n"));
    CHECK(directory.text("log") == "a\nb\n");
}

TEST_CASE("a renamed or removed log file is replaced before the next line") {
    const LogDirectory directory;
    LogFile file(directory / "log");
    REQUIRE(file.open());
    CHECK(file.write("a\n"));
    fs::rename(directory / "log", directory / "log.1");
    CHECK(file.write("b\n"));
    fs::remove(directory / "log");
    CHECK(file.write("c\n"));
    CHECK(directory.text("log.1") == "a\n");
    CHECK(directory.text("log") == "c\n");
    CHECK(file.take_problem().empty());
}

TEST_CASE("after a cut of the log file the next line stands at its beginning") {
    const LogDirectory directory;
    LogFile file(directory / "log");
    REQUIRE(file.open());
    CHECK(file.write("a long line\n"));
    fs::resize_file(directory / "log", 0);
    CHECK(file.write("b\n"));
    CHECK(directory.text("log") == "b\n");
}

TEST_CASE("a symbolic link, a pipe and a directory are no log files") {
    const LogDirectory directory;
    REQUIRE(LogFile(directory / "real").open());
    fs::create_symlink(directory / "real", directory / "link");
    REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    const auto link = LogFile(directory / "link").open();
    REQUIRE_FALSE(link);
    CHECK(ledge::text_of(link.error()).find("is a symbolic link") != std::string::npos);
    CHECK_FALSE(LogFile(directory / "pipe").open());
    CHECK_FALSE(LogFile(directory / "").open());
    CHECK_FALSE(LogFile(directory / "missing/log").open());
}

TEST_CASE("if the new file cannot be opened, lines go on into the former one, and the reason is said once") {
    const LogDirectory directory;
    LogFile file(directory / "log");
    REQUIRE(file.open());
    fs::rename(directory / "log", directory / "log.1");
    fs::create_symlink("/etc/passwd", directory / "log");
    CHECK(file.write("a\n"));
    CHECK(file.write("b\n"));
    CHECK(file.take_problem().find("is a symbolic link") != std::string::npos);
    CHECK(file.take_problem().empty());
    fs::remove(directory / "log");
    CHECK(file.write("c\n"));
    CHECK(directory.text("log.1") == "a\nb\n");
    CHECK(directory.text("log") == "c\n");
}

TEST_CASE("a line that a full disk has cut in its middle does not become a part of the next line") {
    const LogDirectory directory;
    LogFile file(directory / "log");
    REQUIRE(file.open());
    {
        const LargestFile limit(10);
        CHECK(file.write("1234567\n"));
        CHECK_FALSE(file.write("abcdef\n"));
        CHECK_FALSE(file.write("lost\n"));
    }
    CHECK(file.write("next\n"));
    CHECK(directory.text("log") == "1234567\nab\nnext\n");
}
