#include "ledge/os/child_program.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

#include "ledge/os/descriptor.hpp"

using namespace ledge;
using namespace ledge::os;

namespace {

ChildProgram::Start shell(const std::string& script) { return {"/bin/sh", {"sh", "-c", script}, {"WORD=hello"}, {}}; }

/// A pipe's reading end; the writing end is given to a program.
struct GivenPipe {
    GivenPipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
    }
    /// Everything until the last writer has closed its end.
    std::string all() {
        write_end.reset();
        std::string text;
        std::array<char, 256> part{};
        ssize_t size = 0;
        while ((size = ::read(read_end.get(), part.data(), part.size())) > 0)
            text.append(part.data(), static_cast<std::size_t>(size));
        return text;
    }
    Descriptor read_end;
    Descriptor write_end;
};

}  // namespace

TEST_CASE("a program gets its arguments, its environment, and the descriptors from 3 on in their order") {
    GivenPipe first;
    GivenPipe second;
    ChildProgram::Start start = shell("echo one $WORD >&3; echo two $0 >&4; ls /proc/self/fd | wc -w >&4");
    start.arguments.push_back("zero");
    start.descriptors = {first.write_end.get(), second.write_end.get()};
    auto program = ChildProgram::start(start);
    REQUIRE(program.ok());
    CHECK(first.all() == "one hello\n");
    // Standard streams, 3 and 4, and the folder that ls reads.
    CHECK(second.all() == "two zero\n6\n");
    CHECK(program.value().end(5s, 5s) == "has ended with status 0");
}

TEST_CASE("a descriptor whose number another one gets is given correctly") {
    std::array<GivenPipe, 3> pipes;
    ChildProgram::Start start = shell("echo a >&3; echo b >&4; echo c >&5");
    for (const GivenPipe& one : pipes) start.descriptors.insert(start.descriptors.begin(), one.write_end.get());
    auto program = ChildProgram::start(start);
    REQUIRE(program.ok());
    CHECK(pipes[2].all() == "a\n");
    CHECK(pipes[1].all() == "b\n");
    CHECK(pipes[0].all() == "c\n");
    program.value().end(5s);
}

TEST_CASE("the end of a program tells its own status, or the signal that has ended it") {
    GivenPipe pipe;
    ChildProgram::Start start = shell("exit 3");
    start.descriptors = {pipe.write_end.get()};
    auto ends_itself = ChildProgram::start(start);
    REQUIRE(ends_itself.ok());
    CHECK(pipe.all().empty());  // the program has closed it, so it is ending
    CHECK(ends_itself.value().end(5s, 5s) == "has ended with status 3");
    auto hangs = ChildProgram::start(shell("exec sleep 1000"));
    REQUIRE(hangs.ok());
    CHECK(hangs.value().end(5s) == "was ended by signal 9");
}

TEST_CASE("a program has all signals in their usual state") {
    const auto former = ::signal(SIGPIPE, SIG_IGN);
    GivenPipe pipe;
    ChildProgram::Start start = shell("kill -PIPE $$; echo alive >&3");
    start.descriptors = {pipe.write_end.get()};
    auto program = ChildProgram::start(start);
    REQUIRE(program.ok());
    CHECK(pipe.all().empty());
    CHECK(program.value().end(5s, 5s) == "was ended by signal 13");
    ::signal(SIGPIPE, former);
}

TEST_CASE("a file that is no program is told at once") {
    const auto program = ChildProgram::start({"/nonexistent/program", {"program"}, {}, {}});
    REQUIRE(!program.ok());
    CHECK(program.error() == std::errc::no_such_file_or_directory);
}
