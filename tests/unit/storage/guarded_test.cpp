#include "guarded.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace ledge::storage {
namespace {

struct Heard {
    GuardedEnd end;
    std::string words;
};

Heard hear(const std::function<bool(GuardedOut&)>& work, int silence_max_ms = 60'000) {
    Heard heard{};
    heard.end = run_guarded(
        work, [&](Bytes bytes) { heard.words += as_text(bytes); }, silence_max_ms);
    return heard;
}

TEST_CASE("what the child says arrives, and how it ends is known") {
    const Heard fine = hear([](GuardedOut& out) {
        out.send(as_bytes("hello"));
        return true;
    });
    CHECK(fine.end == GuardedEnd::fine);
    CHECK(fine.words == "hello");
    CHECK(hear([](GuardedOut&) { return false; }).end == GuardedEnd::refused);
    CHECK(hear([](GuardedOut&) -> bool { ::_exit(9); }).end == GuardedEnd::killed);
}

TEST_CASE("a child that is killed has said what it had sent before") {
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGKILL}) {
        const Heard heard = hear([signal](GuardedOut& out) {
            out.send(as_bytes("before"));
            out.flush();
            ::raise(signal);
            return true;
        });
        CHECK(heard.end == GuardedEnd::killed);
        CHECK(heard.words == "before");
    }
}

TEST_CASE("a child that says nothing is ended") {
    CHECK(hear(
              [](GuardedOut&) -> bool {
                  for (;;) ::pause();
              },
              10)
              .end == GuardedEnd::silent);
}

TEST_CASE("the child has no descriptor of the parent's but the way back") {
    const Heard heard = hear([](GuardedOut& out) {
        int open_count = 0;
        for (int i = STDERR_FILENO + 1; i < 1024; ++i) open_count += ::fcntl(i, F_GETFD) != -1 ? 1 : 0;
        out.send(as_bytes(std::to_string(open_count)));
        return true;
    });
    CHECK(heard.words == "1");
}

TEST_CASE("many words arrive in order") {
    const Heard heard = hear([](GuardedOut& out) {
        for (int i = 0; i < 100'000; ++i) out.send(as_bytes(std::to_string(i) + " "));
        return true;
    });
    std::string expected;
    for (int i = 0; i < 100'000; ++i) expected += std::to_string(i) + " ";
    CHECK(heard.words == expected);
}

}  // namespace
}  // namespace ledge::storage
