#include "ledge/os/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "ledge/os/descriptor.hpp"

using namespace ledge::os;

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
    return text.ok() ? "" : text_of(text.error(), "it");
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
    CHECK(error_of(fifo) == "it is a pipe; name a regular file");
    CHECK(error_of("/dev/zero") == "it is a device; name a regular file");
    CHECK(error_of(folder.path) == "it is a directory; name a regular file");
    CHECK(error_of(folder.path / "none") == "it cannot be opened: No such file or directory");
    CHECK(read_regular_file("/nowhere/f", 10).error() ==
          ledge::Error{ledge::system_code(ENOENT), "{} cannot be opened", "/nowhere/f"});
}

TEST_CASE("a small file is read to its end, without a known size, and its absence is no error") {
    CHECK(read_small_file("/proc/self/statm").find(' ') != std::string::npos);
    CHECK(read_small_file("/proc/self/statm", 3).size() == 3);
    CHECK(read_small_file("/nowhere/at/all").empty());
    const Folder folder;
    const std::string path = folder.file("f", "text");
    std::filesystem::create_symlink(path, folder.path / "link");
    CHECK(read_small_file(path) == "text");
    CHECK(read_small_file(folder.path / "link").empty());
    CHECK(ledge::os::file_size(path) == 4);
    CHECK(ledge::os::file_size(folder.path / "none") == 0);
}

TEST_CASE("a private file is for its owner only, and never one that exists already") {
    const Folder folder;
    const std::string path = folder.path / "f";
    const Descriptor file = create_private_file(path);
    REQUIRE(file.is_open());
    CHECK(write_all(file.get(), "0123456789") == 0);
    CHECK(sync_file(file.get()) == 0);
    const auto text = read_regular_file(path, 100);
    REQUIRE(text.ok());
    CHECK(text->text == "0123456789");
    CHECK((text->mode & 0777) == 0600);
    CHECK(!create_private_file(path).is_open());
    std::filesystem::create_symlink(folder.path / "none", folder.path / "link");
    CHECK(!create_private_file(folder.path / "link").is_open());
}

TEST_CASE("a write that the disk refuses says why") {
    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    CHECK(write_all(full.get(), "x") == ENOSPC);
    CHECK(write_all(full.get(), "") == 0);
}

TEST_CASE("a draft is gone with its owner unless it got its final name") {
    const Folder folder;
    const std::string target = folder.file("target", "old");
    { const Draft draft(folder.file("draft", "half")); }
    CHECK(!std::filesystem::exists(folder.path / "draft"));
    {
        Draft draft(folder.file("draft", "new"));
        CHECK(draft.rename_to(target, Draft::Existing::kept) == EEXIST);
        CHECK(read_small_file(target) == "old");
        CHECK(draft.rename_to(target) == 0);
        CHECK(draft.path().empty());
    }
    CHECK(read_small_file(target) == "new");
    const Draft leftover(folder.file("leftover", "x"));
    leftover.remove_leftover();
    CHECK(!std::filesystem::exists(leftover.path()));
}

TEST_CASE("the folder of a path is what its last slash ends") {
    CHECK(parent_of("/a/b") == "/a");
    CHECK(parent_of("/a") == "/");
    CHECK(parent_of("a") == ".");
    const Folder folder;
    CHECK(open_directory(folder.path).is_open());
    CHECK(!open_directory(folder.file("f", "")).is_open());
    CHECK(sync_directory(folder.path) == 0);
    CHECK(sync_directory("/nowhere/at/all") == ENOENT);
}
