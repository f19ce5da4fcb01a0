#include "ledge/os/file_watch.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace ledge::os;
using namespace std::chrono_literals;

namespace {

const std::string& folder() {
    struct Folder {
        Folder() { std::filesystem::create_directory(path); }
        ~Folder() { std::filesystem::remove_all(path); }
        std::string path =
            (std::filesystem::temp_directory_path() / ("ledgemq-watch-" + std::to_string(::getpid()))).string();
    };
    static const Folder made;
    return made.path;
}

std::string write_file(const std::string& name, const std::string& content) {
    const std::string path = folder() + "/" + name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
}

}  // namespace

namespace {

/// A watch, and the time in which it looks.
struct Watched {
    explicit Watched(std::vector<std::string> paths) : watch(std::move(paths), now) {}

    /// Goes to the time of the next look. True: a change has settled.
    bool looks() {
        now = watch.next_deadline();
        return watch.on_time(now);
    }

    ledge::Instant now{1h + 1500ms};
    FileWatch watch;
};

}  // namespace

TEST_CASE("a change is told once, when it has settled") {
    const std::string path = write_file("watched", "one");
    Watched w({path, folder() + "/never-there"});
    CHECK_FALSE(w.looks());
    write_file("watched", "other");
    CHECK(w.watch.has_changed());
    CHECK_FALSE(w.looks());  // perhaps somebody is still writing
    CHECK(w.looks());
    CHECK_FALSE(w.looks());
    CHECK_FALSE(w.watch.has_changed());
}

TEST_CASE("a file that goes on changing is waited for, and what is accepted is known") {
    const std::string path = write_file("watched", "1");
    Watched w({path});
    for (const char* text : {"22", "333", "4444"}) {
        write_file("watched", text);
        CHECK_FALSE(w.looks());
    }
    w.watch.accept();
    CHECK_FALSE(w.looks());
}

TEST_CASE("a file put in the place of another, and one that goes, are changes") {
    const std::string path = write_file("watched", "same");
    Watched w({path});
    std::filesystem::rename(write_file("beside", "same"), path);
    CHECK(w.watch.has_changed());
    w.watch.accept();
    std::filesystem::remove(path);
    CHECK_FALSE(w.looks());
    CHECK(w.looks());
}

TEST_CASE("unchanged files are looked at rarely and all at the same instants, changed ones again soon") {
    const std::string path = write_file("watched", "one");
    Watched w({path});
    CHECK(w.watch.next_deadline() == ledge::Instant(1h + FileWatch::look_interval));
    CHECK_FALSE(w.watch.on_time(w.watch.next_deadline() - 1us));
    CHECK_FALSE(w.looks());
    CHECK(w.watch.next_deadline() == w.now + FileWatch::look_interval);
    Watched later({path});
    later.now = w.now + 700ms;
    CHECK(FileWatch({path}, later.now).next_deadline() == w.watch.next_deadline());
    write_file("watched", "other");
    CHECK_FALSE(w.looks());
    CHECK(w.watch.next_deadline() == w.now + FileWatch::settle_interval);
    CHECK(w.looks());
    CHECK(w.watch.next_deadline() > w.now + FileWatch::settle_interval);
    CHECK(FileWatch({}, w.now).next_deadline() == ledge::never);
}
