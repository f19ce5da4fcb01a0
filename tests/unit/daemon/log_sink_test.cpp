#include "log_sink.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <regex>

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// What is written to standard error while it lives; at most what fits a pipe.
class CapturedError {
public:
    CapturedError() {
        REQUIRE(::pipe(pipe_.data()) == 0);
        saved_ = ::dup(STDERR_FILENO);
        ::dup2(pipe_[1], STDERR_FILENO);
        ::close(pipe_[1]);
    }
    ~CapturedError() { restore(); }
    CapturedError(const CapturedError&) = delete;
    CapturedError& operator=(const CapturedError&) = delete;

    std::string text() {
        restore();
        std::string out;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::read(pipe_[0], part.data(), part.size())) > 0;) {
            out.append(part.data(), static_cast<std::size_t>(n));
        }
        ::close(pipe_[0]);
        return out;
    }

private:
    void restore() {
        if (saved_ < 0) return;
        ::dup2(saved_, STDERR_FILENO);
        ::close(saved_);
        saved_ = -1;
    }

    std::array<int, 2> pipe_{};
    int saved_ = -1;
};

}  // namespace

TEST_CASE("a line of text begins with the time in UTC") {
    LogSink sink(config::LogFormat::text);
    const Log log = sink.log(LogLevel::info);
    CapturedError captured;
    log.debug("not_seen");
    log.info("ready", {{"addresses", "127.0.0.1:1883"}});
    log.warning("other");
    const std::string text = captured.text();
    const std::string time = R"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d\d\dZ)";
    CHECK(std::regex_match(
        text, std::regex(time + " info ready addresses=127\\.0\\.0\\.1:1883\n" + time + " warning other\n")));
}

TEST_CASE("a line of JSON is one object with the time as a member") {
    LogSink sink(config::LogFormat::json);
    const Log log = sink.log(LogLevel::debug);
    CapturedError captured;
    log.debug("said", {{"text", "a\n\"b\""}, {"n", 1}});
    const std::string text = captured.text();
    CHECK(std::regex_match(
        text, std::regex(R"(\{"time":"[-0-9T:.]+Z","level":"debug","event":"said","text":"a\\n\\"b\\"","n":1\})"
                         "\n")));
}
