#include "store_dir.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "guarded.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/os/file.hpp"
#include "rig.hpp"

namespace ledge::storage {
namespace {

using test::TempDir;

std::string refusal(const std::string& path, bool creates = true) {
    auto dir = StoreDir::open(path, creates);
    return dir ? std::string() : text_of(dir.error());
}

/// Rights mean nothing to root: gives the folders away and is somebody else for a while.
class Unprivileged {
public:
    explicit Unprivileged(std::initializer_list<std::string> folders) {
        if (::geteuid() != 0) return;
        for (const std::string& folder : folders) REQUIRE(::chown(folder.c_str(), nobody, nobody) == 0);
        REQUIRE(::seteuid(nobody) == 0);
        was_root_ = true;
    }
    ~Unprivileged() {
        if (was_root_ && ::seteuid(0) != 0) std::abort();
    }
    Unprivileged(const Unprivileged&) = delete;
    Unprivileged& operator=(const Unprivileged&) = delete;

private:
    static constexpr unsigned nobody = 65534;
    bool was_root_ = false;
};

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

TEST_CASE("a directory without the right to write is refused") {
    TempDir dir;
    REQUIRE(::mkdir(dir.file("fixed").c_str(), 0500) == 0);
    const Unprivileged somebody({dir.path(), dir.file("fixed")});
    CHECK(refusal(dir.file("fixed")).find("may not be written") != std::string::npos);
}

TEST_CASE("a store follows no symbolic link, whichever of its files is one, and leaves the target alone") {
    for (const char* name : {"lock", "state", "state.new", "data.mdb", "data.mdb-lock", "data.mdb.new"}) {
        TempDir dir;
        std::ofstream(dir.file("precious")) << "kept";
        REQUIRE(::mkdir(dir.file("store").c_str(), 0700) == 0);
        REQUIRE(::symlink(dir.file("precious").c_str(), (dir.file("store/") + name).c_str()) == 0);
        const std::string said = refusal(dir.file("store"));
        CHECK_MESSAGE(said.find(std::string(name) + ": is a symbolic link") != std::string::npos, said);
        std::ifstream precious(dir.file("precious"));
        CHECK(std::string(std::istreambuf_iterator<char>(precious), {}) == "kept");
    }
}

TEST_CASE("a FIFO in the place of a file is refused, and nobody waits for its writer") {
    TempDir dir;
    REQUIRE(::mkfifo(dir.file("state").c_str(), 0600) == 0);
    CHECK(refusal(dir.path()).find("is not an ordinary file") != std::string::npos);
}

TEST_CASE("a second broker is kept out although the lock file was deleted under the first") {
    TempDir dir;
    auto first = StoreDir::open(dir.path(), true);
    REQUIRE(first.ok());
    REQUIRE(::unlink(dir.file("lock").c_str()) == 0);
    CHECK(holder_of(dir.path()) == -1);
    const auto second = StoreDir::open(dir.path(), true);
    REQUIRE_FALSE(second.ok());
    CHECK(fault_of(second.error().code) == Fault::in_use);
}

TEST_CASE("a store that has lost its file is told at the start, whether the file is missing or empty") {
    for (const bool is_empty : {false, true}) {
        TempDir dir;
        test::LogLines lines;
        CHECK(test::open(dir, lines.log())->start_state() == StartState::whole);
        CHECK_FALSE(lines.has("store_lost"));
        REQUIRE(::unlink(dir.file("data.mdb").c_str()) == 0);
        if (is_empty) std::ofstream(dir.file("data.mdb")).flush();
        const Log log = lines.log();
        auto store = test::open(dir, log);
        CHECK(lines.has("store_lost"));
        CHECK(store->start_state() == StartState::lost);
        store.reset();
        CHECK(test::open(dir, log)->start_state() == StartState::whole);
    }
}

TEST_CASE("a folder that its group may write is used, with a warning") {
    TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 0770) == 0);
    test::LogLines lines;
    const Log log = lines.log();
    test::open(dir, log);
    CHECK(lines.has("store_folder_group_writable"));
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
        CHECK(fault_of(second.error().code) == Fault::in_use);
    }
    CHECK(holder_of(dir.path()) == 0);
    CHECK(StoreDir::open(dir.path(), true).ok());
}

/// A process that inherited the lock of one that is gone, as a child does that checks the file: it gives the lock up as
/// soon as somebody asks for it.
pid_t leave_lock_behind(const std::string& path) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t holder = ::fork();
    REQUIRE(holder >= 0);
    if (holder == 0) {
        auto dir = StoreDir::open(path, true);
        const int watch = ::inotify_init();
        if (!dir || ::inotify_add_watch(watch, dir->file("lock").c_str(), IN_OPEN) < 0) ::_exit(1);
        if (::fork() != 0) ::_exit(0);
        alignas(inotify_event) char event[1024];
        const bool is_asked = ::write(ready[1], "r", 1) == 1 && ::read(watch, event, sizeof event) > 0;
        ::_exit(is_asked ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(holder, &status, 0) == holder);
    char byte = 0;
    REQUIRE((status == 0 && ::read(ready[0], &byte, 1) == 1));
    ::close(ready[0]);
    ::close(ready[1]);
    return holder;
}

TEST_CASE("a lock that a dead process's child still holds is waited for") {
    TempDir dir;
    const pid_t dead = leave_lock_behind(dir.path());
    REQUIRE(::kill(dead, 0) != 0);
    CHECK(refusal(dir.path()).empty());
    CHECK(holder_of(dir.path()) == 0);
}

TEST_CASE("a child that checks the file does not hold the lock of its parent") {
    TempDir temp;
    auto opened = StoreDir::open(temp.path(), true);
    REQUIRE(opened.ok());
    std::optional<StoreDir> dir(std::move(*opened));
    std::string said;
    const auto work = [](GuardedOut& out) {
        out.send(as_bytes("up"));
        out.flush();
        ::pause();
        return true;
    };
    run_guarded(
        work,
        [&](Bytes) {
            dir.reset();
            said = refusal(temp.path());
        },
        10);
    CHECK(!dir);
    CHECK(said.empty());
}

TEST_CASE("files that were being made: a whole one is taken, others go") {
    TempDir temp;
    auto dir = StoreDir::open(temp.path(), true);
    REQUIRE(dir.ok());
    const auto make_rests = [&] {
        for (const std::string& rest : {dir->new_path(), dir->salvaged_path(), dir->compacted_path()}) {
            std::ofstream(rest) << rest;
        }
    };
    make_rests();
    CHECK(dir->finish_interrupted() == 0);  // the damaged file was put aside already
    CHECK(os::file_size(dir->data_path()) == dir->salvaged_path().size());
    make_rests();
    std::ofstream(dir->data_path()) << "data";
    CHECK(dir->finish_interrupted() == 0);
    CHECK(os::file_size(dir->data_path()) == 4);
    CHECK(temp.names() == std::vector<std::string>{"data.mdb", "lock"});
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
    CHECK(!dir->set_aside("corrupt").ok());  // nothing to put aside
    for (const char* name : {"data.mdb.corrupt-1", "data.mdb.corrupt-2"}) {
        std::ofstream(dir->data_path()) << name;
        const auto moved = dir->set_aside("corrupt");
        REQUIRE(moved.ok());
        CHECK(moved.value() == temp.file(name));
        CHECK(os::file_size(moved.value()) == std::string_view(name).size());
    }
}

}  // namespace
}  // namespace ledge::storage
