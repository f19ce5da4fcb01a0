#include "line_input.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "ledge/os/descriptor.hpp"

using namespace ledge;
using cli::LineInput;

namespace {

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    void write(std::string_view text) {
        REQUIRE(::write(in.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    os::Descriptor out;
    os::Descriptor in;
};

std::vector<std::string> lines_of(LineInput& input) {
    std::vector<std::string> lines;
    while (auto line = input.next()) lines.push_back(*line);
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines of a pipe come as they arrive, and a last line without an end counts") {
    const auto poller = std::move(*net::Poller::create());
    Pipe pipe;
    LineInput input(*poller, pipe.out.get(), 100);
    CHECK_FALSE(input.is_ready());
    CHECK(poller->poll(0) == 0);
    pipe.write("one\ntwo\n\nthr");
    CHECK(poller->poll(0) == 1);
    CHECK(input.is_ready());
    CHECK(lines_of(input) == Lines{"one", "two", ""});
    CHECK_FALSE(input.is_ready());
    pipe.write("ee");
    CHECK(poller->poll(0) == 1);
    CHECK_FALSE(input.is_ready());
    pipe.in.reset();
    CHECK(poller->poll(0) == 1);
    CHECK(input.is_ready());
    CHECK(lines_of(input) == Lines{"three"});
    CHECK(input.is_at_end());
    CHECK(input.problem().empty());
    // The end of the pipe is not reported again and again.
    CHECK(poller->poll(0) == 0);
}

TEST_CASE("a pipe is not read while lines wait") {
    const auto poller = std::move(*net::Poller::create());
    Pipe pipe;
    LineInput input(*poller, pipe.out.get(), 100);
    pipe.write("one\n");
    CHECK(poller->poll(0) == 0);  // nobody has asked yet
    CHECK_FALSE(input.is_ready());
    CHECK(poller->poll(0) == 1);
    CHECK(input.is_ready());
    pipe.write("two\n");
    CHECK(poller->poll(0) == 0);
    CHECK(lines_of(input) == Lines{"one"});
}

TEST_CASE("a regular file, which epoll refuses, is read too") {
    const auto poller = std::move(*net::Poller::create());
    char name[] = "/tmp/ledge-lines-XXXXXX";
    const os::Descriptor file(::mkstemp(name));
    REQUIRE(::write(file.get(), "a\nb", 3) == 3);
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    ::unlink(name);
    LineInput input(*poller, file.get(), 100);
    Lines lines;
    while (input.is_ready()) {
        const auto line = input.next();
        if (!line) break;
        lines.push_back(*line);
    }
    CHECK(lines == Lines{"a", "b"});
    CHECK(input.is_at_end());
}

TEST_CASE("a line above the limit ends the input with its reason") {
    const auto poller = std::move(*net::Poller::create());
    Pipe pipe;
    LineInput input(*poller, pipe.out.get(), 8);
    CHECK_FALSE(input.is_ready());
    pipe.write("123456789");
    CHECK(poller->poll(0) == 1);
    CHECK(input.is_ready());
    CHECK_FALSE(input.next().has_value());
    CHECK(input.problem() == "a line of standard input is longer than 8 bytes");
}
