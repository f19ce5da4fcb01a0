#include "ledge/base/regular_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace ledge;

namespace {

struct Folder {
    Folder() { std::filesystem::create_directory(path); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(path / name, std::ios::binary) << text;
        return path / name;
    }
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("ledgemq-regular-" + std::to_string(::getpid()));
};

std::string error_of(const std::string& path) {
    const auto text = read_regular_file(path, 10);
    return text.ok() ? "" : text.error();
}

}  // namespace

TEST_CASE("a regular file is read whole, with its mode, and one byte beyond the limit shows that it is longer") {
    const Folder folder;
    const std::string path = folder.file("f", "0123456789");
    ::chmod(path.c_str(), 0640);
    const auto text = read_regular_file(path, 10);
    REQUIRE(text.ok());
    CHECK(text->text == "0123456789");
    CHECK((text->mode & 0777) == 0640);
    CHECK(read_regular_file(path, 5)->text == "012345");
}

TEST_CASE("a byte order mark is left out") {
    const Folder folder;
    CHECK(read_regular_file(folder.file("f", "\xEF\xBB\xBFuser:x\n"), 100)->text == "user:x\n");
    CHECK(read_regular_file(folder.file("g", "\xEF\xBB"), 100)->text == "\xEF\xBB");
}

TEST_CASE("a pipe that nobody writes to, a device and a directory are refused at once") {
    const Folder folder;
    const std::string fifo = folder.path / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(error_of(fifo) == "is a pipe; name a regular file");
    CHECK(error_of("/dev/zero") == "is a device; name a regular file");
    CHECK(error_of(folder.path) == "is a directory; name a regular file");
    CHECK(error_of(folder.path / "none") == "cannot be opened: No such file or directory");
}
