#include "log_output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

using namespace ledge::daemon;

namespace {

/// Two ends: the log writes to one, a reader reads the other when it likes.
struct Ends {
    enum class Kind { pipe, socket };
    explicit Ends(Kind kind) {
        const bool is_made =
            kind == Kind::pipe ? ::pipe(ends.data()) == 0 : ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0;
        REQUIRE(is_made);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    ~Ends() {
        for (const int end : ends) ::close(end);
    }
    /// At most `max` bytes of what has come so far.
    std::string read(std::size_t max = 1U << 20U) {
        std::string out(max, '\0');
        std::size_t size = 0;
        for (ssize_t n = 0; size < max && (n = ::read(ends[0], out.data() + size, max - size)) > 0;)
            size += static_cast<std::size_t>(n);
        out.resize(size);
        return out;
    }
    std::array<int, 2> ends{};
    int writer() const { return ends[1]; }
};

std::string line_of(int number) {
    return "line " + std::to_string(number) + " " + std::string(static_cast<std::size_t>(number) % 200, 'x') + "\n";
}

/// Every line is whole, and the numbers only grow.
void check_lines(std::string_view text, std::size_t lines) {
    CHECK(static_cast<std::size_t>(std::ranges::count(text, '\n')) == lines);
    int last = -1;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        REQUIRE(end != std::string_view::npos);
        const std::string line(text.substr(0, end + 1));
        const int number = std::stoi(line.substr(5));
        REQUIRE(line == line_of(number));
        REQUIRE(number > last);
        last = number;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

TEST_CASE("a reader that does not read never stops the writer; lines beyond the backlog are counted") {
    for (const Ends::Kind kind : {Ends::Kind::pipe, Ends::Kind::socket}) {
        Ends ends(kind);
        LogOutput output(ends.writer());
        constexpr int lines = 20'000;  // far more than the pipe and the backlog hold
        for (int i = 0; i < lines; ++i) output.write(line_of(i));
        CHECK(output.has_backlog());
        CHECK(output.lost() > 0);
        std::string text;
        do text += ends.read();
        while (!output.drain());
        text += ends.read();
        check_lines(text, lines - output.lost());
    }
}

TEST_CASE("a slow reader gets every line, whole and in order") {
    Ends ends(Ends::Kind::pipe);
    LogOutput output(ends.writer());
    std::string text;
    constexpr int lines = 5'000;
    for (int i = 0; i < lines; ++i) {
        output.write(line_of(i));
        text += ends.read(70);  // less than a line has on average
    }
    CHECK(output.has_backlog());
    do text += ends.read();
    while (!output.drain());
    text += ends.read();
    CHECK(output.lost() == 0);
    check_lines(text, lines);
}

TEST_CASE("a pipe that is shared keeps its mode: others who write to it still wait") {
    Ends ends(Ends::Kind::pipe);
    const LogOutput output(ends.writer());
    CHECK((::fcntl(ends.writer(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("what a full disk refuses is counted, and nothing waits") {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    LogOutput output(full);
    output.write("a\n");
    output.write("b\n");
    CHECK(output.lost() == 2);
    CHECK_FALSE(output.has_backlog());
    ::close(full);
}

TEST_CASE("without standard error nothing is written and nothing is owed") {
    const int closed = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::close(closed);
    LogOutput output(closed);
    output.write("a\n");
    CHECK(output.lost() == 0);
    CHECK(output.drain());
}
