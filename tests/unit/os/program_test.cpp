#include "ledge/os/program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "killed_programs.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::os {
namespace {

/// What a script of the shell prints. No test waits for a time: the limit of a program that never ends is a
/// millisecond, and that of the others is far away.
ProgramResult run_script(const std::string& script, Duration time_max = 1h, std::size_t output_bytes_max = 1000) {
    return run_program({"/bin/sh", "-c", script, "sh", "one argument", "$HOME; *"}, {time_max, output_bytes_max, 20},
                       ProgramStop());
}

std::string output_of(const std::string& script) {
    const ProgramResult result = run_script(script);
    CHECK(result.problem == "");
    return std::string(as_text(result.output.bytes()));
}

TEST_CASE("a program gets its arguments as they are, and its output is returned") {
    CHECK(output_of("echo \"$1|$2\"; echo more") == "one argument|$HOME; *\nmore\n");
    CHECK(output_of("true") == "");
}

TEST_CASE("a program that fails says so by its status or its signal") {
    const ProgramResult failed = run_script("echo secret; echo 'no token today' >&2; exit 3");
    CHECK(failed.problem == "has ended with status 3");
    CHECK(failed.output.bytes().empty());
    CHECK(failed.errors == "no token today\n");
    CHECK(run_script("kill -9 $$").problem == "was ended by signal 9");
}

TEST_CASE("a program that cannot be started") {
    const ProgramStop stop;
    CHECK(run_program({"/nonexistent/program"}, {}, stop).problem == "cannot be started: No such file or directory");
    CHECK(run_program({"/"}, {}, stop).problem == "cannot be started: Permission denied");
}

TEST_CASE("a program that does not end is killed, together with its children") {
    CHECK(run_script("sleep 1000", 1ms).problem == "has not ended within 1 s");
    CHECK(run_script("exec >&- 2>&-; sleep 1000", 1ms).problem == "has not ended within 1 s");
    // The child would keep the pipe open.
    CHECK(run_script("sleep 1000 & sleep 1000", 1ms).problem == "has not ended within 1 s");
}

TEST_CASE("a program that leaves a child behind has ended when itself ends, and the child goes on") {
    // The child keeps both pipes open.
    const ProgramResult result = run_script("sleep 1000 & echo $!; echo careful >&2");
    CHECK(result.problem == "");
    CHECK(result.errors == "careful\n");
    const pid_t child = std::stoi(std::string(as_text(result.output.bytes())));
    CHECK(::kill(child, 0) == 0);
    CHECK(::kill(child, SIGKILL) == 0);
}

TEST_CASE("a program whose last run hangs after the kill is not started again until that run has ended") {
    const std::vector<std::string> command{"/bin/echo", "a command of this test"};
    const pid_t hanging = ::fork();
    if (hanging == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(hanging > 0);
    KilledPrograms::all().keep(command, hanging);
    CHECK(run_program(command, {}, ProgramStop()).problem ==
          "cannot be started: its last run was killed and still hangs");
    CHECK(run_program({"/bin/echo", "another one"}, {}, ProgramStop()).problem == "");
    REQUIRE(::kill(hanging, SIGKILL) == 0);
    siginfo_t how{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(hanging), &how, WEXITED | WNOWAIT) == 0);
    CHECK(run_program(command, {}, ProgramStop()).problem == "");
    CHECK(::waitpid(hanging, nullptr, WNOHANG) == -1);  // no zombie is left
}

TEST_CASE("without a descriptor for the stop, no program is started") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const ProgramStop stop;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(stop.is_open());
    CHECK(run_program({"/bin/true"}, {}, stop).problem ==
          "cannot be started: there is no descriptor that could stop it");
}

TEST_CASE("output and errors are bounded") {
    CHECK(output_of("printf %1000s x").size() == 1000);
    const ProgramResult endless = run_script("yes secret");
    CHECK(endless.problem == "has printed more than 1000 bytes");
    CHECK(endless.output.bytes().empty());
    const ProgramResult loud = run_script("yes | head -c 100000 >&2; echo ok");
    CHECK(loud.problem == "");
    CHECK(loud.errors.size() == 20);
    CHECK(as_text(loud.output.bytes()) == "ok\n");
}

TEST_CASE("a program gets no descriptor of this process, and an empty standard input") {
    const Descriptor inherited(::fcntl(STDIN_FILENO, F_DUPFD, 40));  // without O_CLOEXEC
    CHECK(output_of("cat; ls /proc/self/fd | wc -l") == "4\n");      // 0, 1, 2, and that of ls
    CHECK(output_of("readlink /proc/self/fd/0") == "/dev/null\n");
}

TEST_CASE("a program gets no blocked and no ignored signals") {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const auto pipe_handler = std::signal(SIGPIPE, SIG_IGN);
    const std::string blocked = output_of("grep ^SigBlk /proc/self/status");
    const std::string ignored = output_of("sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status");
    std::signal(SIGPIPE, pipe_handler);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK(blocked == "SigBlk:\t0000000000000000\n");
    // Bit 0 is signal 1. The C library keeps the signals 32 and 33 for itself.
    CHECK((std::stoull(ignored, nullptr, 16) & 0x7FFF'FFFFU) == 0);
}

TEST_CASE("another thread stops a program") {
    const ProgramStop stop;
    SUBCASE("while it runs") {
        std::string problem;
        std::thread worker([&] { problem = run_program({"/bin/sleep", "1000"}, {}, stop).problem; });
        stop.request();
        worker.join();
        CHECK(problem == "was stopped");
    }
    SUBCASE("before it runs") {
        stop.request();
        CHECK(run_program({"/bin/sleep", "1000"}, {}, stop).problem == "was stopped");
    }
}

}  // namespace
}  // namespace ledge::os
