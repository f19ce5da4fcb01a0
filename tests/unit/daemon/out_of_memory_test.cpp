// What happens when the system refuses memory. Not part of sanitizer builds: their allocators end the process by
// themselves and do not ask the new-handler.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

using namespace ledge::daemon;

TEST_CASE("an allocation that the system refuses ends the process with a line, exit code 1 and no destructor") {
    struct Loud {
        ~Loud() { std::fputs("a destructor ran\n", stderr); }
    };
    for (const bool is_json : {false, true}) {
        int pipe_ends[2];
        REQUIRE(::pipe(pipe_ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::dup2(pipe_ends[1], STDERR_FILENO);
            const rlimit little{64 * 1024 * 1024, 64 * 1024 * 1024};
            ::setrlimit(RLIMIT_AS, &little);
            end_when_out_of_memory(is_json);
            const Loud loud;
            std::vector<std::string> blocks;
            for (;;) blocks.emplace_back(1024 * 1024, 'x');
        }
        ::close(pipe_ends[1]);
        std::array<char, 500> text{};
        const ssize_t size = ::read(pipe_ends[0], text.data(), text.size());
        CHECK(::read(pipe_ends[0], text.data() + size, text.size() - static_cast<std::size_t>(size)) == 0);
        ::close(pipe_ends[0]);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 1);
        const std::string line(text.data(), static_cast<std::size_t>(size));
        CHECK(line.ends_with(is_json ? "\"level\":\"error\",\"event\":\"out_of_memory\","
                                       "\"reason\":\"the system refuses memory\"}\n"
                                     : "Z error out_of_memory reason=\"the system refuses memory\"\n"));
    }
}
