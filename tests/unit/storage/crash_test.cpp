// A process that commits is killed at any moment: what it reported is there, what it was at is there wholly or not at
// all, and nothing else.
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledge/journal/record.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"
#include "ledge/storage/tools.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

constexpr std::size_t steps_max = 40;

journal::Batch next_batch(RandomWork& work, Rng& rng) { return work.batch(rng.below(steps_max) + 1); }

/// In the child: one byte through the pipe for each commit that is done.
[[noreturn]] void commit_until_killed(const TempDir& dir, std::uint64_t seed, int pipe) {
    auto opened = open_lmdb_store(options_for(dir), {});
    if (!opened) ::_exit(1);
    RandomWork work(seed);
    Rng rng(seed);
    for (;;) {
        if (!(*opened)->commit(next_batch(work, rng)).ok()) ::_exit(2);
        if (::write(pipe, "c", 1) != 1) ::_exit(3);
    }
}

/// Kills the child some moment after `after` commits; returns how many it has reported.
std::size_t kill_after(pid_t child, int pipe, std::size_t after, std::uint64_t yields) {
    std::size_t reported = 0;
    char byte = 0;
    while (reported < after && ::read(pipe, &byte, 1) == 1) ++reported;
    for (; yields > 0; --yields) ::sched_yield();
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    while (::read(pipe, &byte, 1) == 1) ++reported;
    return reported;
}

std::string model_after(std::uint64_t seed, std::size_t commits) {
    MemoryStore model;
    RandomWork work(seed);
    Rng rng(seed);
    for (std::size_t i = 0; i < commits; ++i) REQUIRE(model.commit(next_batch(work, rng)).ok());
    return to_text(model);
}

TEST_CASE("kill -9 in the middle of commits, 50 times") {
    Rng rng(2026);
    std::size_t mid_commit = 0;
    for (std::uint64_t cycle = 0; cycle < 50; ++cycle) {
        CAPTURE(cycle);
        TempDir dir;
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            commit_until_killed(dir, cycle, ends[1]);
        }
        ::close(ends[1]);
        const std::size_t reported = kill_after(child, ends[0], rng.below(12), rng.below(300));
        ::close(ends[0]);

        std::string said;
        const auto verdict =
            reported > 0 ? verify(dir.path(), [&](std::string_view text) { said += text; }) : Result<bool, Error>(true);
        CAPTURE(said);
        REQUIRE(verdict.ok());
        CHECK(verdict.value());
        LogLines lines;
        auto store = open(dir, lines.log());
        CHECK(!lines.has("quarantined"));
        const std::string text = to_text(*store);
        const bool has_more = text != model_after(cycle, reported);
        if (has_more) REQUIRE(text == model_after(cycle, reported + 1));
        mid_commit += has_more ? 1 : 0;
    }
    MESSAGE("50 kills, ", mid_commit, " between the end of a commit and its report");
}

}  // namespace
}  // namespace ledge::storage::test
