#include "killed_programs.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledge/base/bytes.hpp"
#include "ledge/os/program.hpp"

namespace ledge::os {
namespace {

using namespace std::chrono_literals;

/// A child of this process that does nothing. It stands for a program that was killed and hangs in the system.
pid_t hanging_process() {
    const pid_t process = ::fork();
    REQUIRE(process >= 0);
    if (process != 0) return process;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that fails leaves no process behind
    for (;;) ::pause();
}

/// Returns when the process has ended. It stays a zombie, for the code under test.
void end(pid_t process) {
    REQUIRE(::kill(process, SIGKILL) == 0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) == 0);
}

bool is_zombie(pid_t process) { return ::waitpid(process, nullptr, WNOHANG) == process; }

TEST_CASE("a killed program that hangs is known by its command, until it has ended") {
    KilledPrograms programs;
    const pid_t first = hanging_process();
    const pid_t second = hanging_process();
    programs.keep({"/bin/token", "17"}, first);
    programs.keep({"/bin/other"}, second);
    CHECK(programs.has({"/bin/token", "17"}));
    CHECK(programs.has({"/bin/other"}));
    CHECK_FALSE(programs.has({"/bin/token"}));
    end(first);
    CHECK_FALSE(programs.has({"/bin/token", "17"}));
    CHECK(programs.has({"/bin/other"}));
    end(second);
    CHECK_FALSE(programs.has({"/bin/token", "17"}));  // asks for the end of all of them
    CHECK_FALSE(is_zombie(first));
    CHECK_FALSE(is_zombie(second));
}

TEST_CASE("a program whose last run hangs is not started again until that run has ended") {
    const std::vector<std::string> command{"/bin/echo", "killed_programs_test"};
    const ProgramLimits limits{.time_max = 60s};
    const ProgramStop stop;
    const pid_t process = hanging_process();
    KilledPrograms::all().keep(command, process);
    CHECK(run_program(command, limits, stop).problem == "cannot be started: its last run was killed and still hangs");
    CHECK(run_program({"/bin/echo", "another"}, limits, stop).problem == "");
    end(process);
    const ProgramResult result = run_program(command, limits, stop);
    CHECK(result.problem == "");
    CHECK(as_text(result.output.bytes()) == "killed_programs_test\n");
}

}  // namespace
}  // namespace ledge::os
