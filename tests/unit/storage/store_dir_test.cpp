#include "store_dir.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "rig.hpp"

namespace ledge::storage {
namespace {

using test::TempDir;

std::string refusal(const std::string& path, bool creates = true) {
    auto dir = StoreDir::open(path, creates);
    return dir ? std::string() : dir.error().text;
}

TEST_CASE("directories that cannot hold a store are refused with the reason") {
    TempDir dir;
    std::ofstream(dir.file("file")) << "x";
    CHECK(refusal(dir.file("file")).find("is not a directory") != std::string::npos);
    CHECK(refusal(dir.file("file/below")).find("Not a directory") != std::string::npos);
    CHECK(refusal(dir.file("no/parent")).find("No such file or directory") != std::string::npos);
    CHECK(refusal(dir.file("missing"), false).find("No such file or directory") != std::string::npos);
    REQUIRE(::mkdir(dir.file("open").c_str(), 0700) == 0);
    REQUIRE(::chmod(dir.file("open").c_str(), 0777) == 0);
    CHECK(refusal(dir.file("open")).find("everybody may write there") != std::string::npos);
    CHECK(refusal(dir.path() + "///").empty());
}

TEST_CASE("a directory without the right to write is refused" * doctest::skip(::geteuid() == 0)) {
    TempDir dir;
    REQUIRE(::mkdir(dir.file("fixed").c_str(), 0500) == 0);
    CHECK(refusal(dir.file("fixed")).find("may not be written") != std::string::npos);
}

TEST_CASE("one process has it, and who that is can be asked without taking it") {
    TempDir dir;
    CHECK(holder_of(dir.path()) == 0);
    {
        auto first = StoreDir::open(dir.path(), true);
        REQUIRE(first.ok());
        CHECK(holder_of(dir.path()) == ::getpid());
        const auto second = StoreDir::open(dir.path(), true);
        REQUIRE(!second.ok());
        CHECK(second.error().fault == Fault::in_use);
    }
    CHECK(holder_of(dir.path()) == 0);
    CHECK(StoreDir::open(dir.path(), true).ok());
}

TEST_CASE("the past: clean, changed since, crashed once or often") {
    TempDir temp;
    auto dir = StoreDir::open(temp.path(), true);
    REQUIRE(dir.ok());
    CHECK(!dir->past().is_clean);
    std::ofstream(dir->data_path()) << "data";
    CHECK(!dir->past().is_clean);
    REQUIRE(dir->mark_clean());
    CHECK(dir->past().is_clean);
    std::ofstream(dir->data_path(), std::ios::app) << "more";
    CHECK(!dir->past().is_clean);
    REQUIRE(dir->mark_running(2));
    CHECK(!dir->past().is_clean);
    CHECK(dir->past().short_runs == 2);
    std::ofstream(dir->file("state")) << "cle";
    CHECK(!dir->past().is_clean);
}

TEST_CASE("quarantine finds a free name") {
    TempDir temp;
    auto dir = StoreDir::open(temp.path(), true);
    REQUIRE(dir.ok());
    CHECK(!dir->quarantine().ok());  // nothing to put aside
    for (const char* name : {"data.mdb.corrupt-1", "data.mdb.corrupt-2"}) {
        std::ofstream(dir->data_path()) << name;
        const auto moved = dir->quarantine();
        REQUIRE(moved.ok());
        CHECK(moved.value() == temp.file(name));
        CHECK(file_size(moved.value()) == std::string_view(name).size());
    }
}

}  // namespace
}  // namespace ledge::storage
