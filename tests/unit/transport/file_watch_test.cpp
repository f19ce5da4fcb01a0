#include "ledge/transport/file_watch.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "tls/tls_rig.hpp"

using namespace ledge::transport;

TEST_CASE("a change is told once, when it has settled") {
    const std::string path = write_file("watched", "one");
    FileWatch watch({path, pki_folder() + "/never-there"});
    CHECK_FALSE(watch.has_settled_change());
    write_file("watched", "other");
    CHECK(watch.has_changed());
    CHECK_FALSE(watch.has_settled_change());  // perhaps somebody is still writing
    CHECK(watch.has_settled_change());
    CHECK_FALSE(watch.has_settled_change());
    CHECK_FALSE(watch.has_changed());
}

TEST_CASE("a file that goes on changing is waited for, and what is accepted is known") {
    const std::string path = write_file("watched", "1");
    FileWatch watch({path});
    for (const char* text : {"22", "333", "4444"}) {
        write_file("watched", text);
        CHECK_FALSE(watch.has_settled_change());
    }
    watch.accept();
    CHECK_FALSE(watch.has_settled_change());
}

TEST_CASE("a file put in the place of another, and one that goes, are changes") {
    const std::string path = write_file("watched", "same");
    FileWatch watch({path});
    std::filesystem::rename(write_file("beside", "same"), path);
    CHECK(watch.has_changed());
    watch.accept();
    std::filesystem::remove(path);
    CHECK_FALSE(watch.has_settled_change());
    CHECK(watch.has_settled_change());
}
