#include "log_sink.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <regex>

#include "log_directory.hpp"

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// A pipe for the log; what was written so far, at most what fits.
class Pipe {
public:
    Pipe() {
        REQUIRE(::pipe(ends_.data()) == 0);
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    }
    ~Pipe() {
        for (const int end : ends_) ::close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int writer() const { return ends_[1]; }
    std::string text() {
        std::string out;
        std::array<char, 4096> part{};
        for (ssize_t n = 0; (n = ::read(ends_[0], part.data(), part.size())) > 0;)
            out.append(part.data(), static_cast<std::size_t>(n));
        return out;
    }

private:
    std::array<int, 2> ends_{};
};

Instant virtual_now{1h};
Instant read_virtual_clock() { return virtual_now; }

struct Rig {
    explicit Rig(config::LogFormat format = config::LogFormat::text, bool is_journal = false)
        : sink(format, pipe.writer(), is_journal, read_virtual_clock) {}
    Pipe pipe;  // goes last
    LogSink sink;
    Log log = sink.log(LogLevel::info);
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a line of text begins with the time in UTC") {
    Rig rig;
    rig.log.debug("not_seen");
    rig.log.info("ready", {{"addresses", "127.0.0.1:1883"}});
    rig.log.warning("other");
    const std::string text = rig.pipe.text();
    const std::string time = R"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d\d\dZ)";
    CHECK(std::regex_match(
        text, std::regex(time + " info ready addresses=127\\.0\\.0\\.1:1883\n" + time + " warning other\n")));
}

TEST_CASE("a line of JSON is one object with the time as a member") {
    Rig rig(config::LogFormat::json);
    rig.log.info("said", {{"text", "a\n\"b\""}, {"n", 1}});
    const std::string text = rig.pipe.text();
    CHECK(std::regex_match(
        text, std::regex(R"(\{"time":"[-0-9T:.]+Z","level":"info","event":"said","text":"a\\n\\"b\\"","n":1\})"
                         "\n")));
}

TEST_CASE("the journal gets a priority instead of a second time stamp") {
    Rig rig(config::LogFormat::text, true);
    rig.log.info("ready");
    rig.log.warning("other");
    rig.log.error("third");
    CHECK(rig.pipe.text() == "<6>info ready\n<4>warning other\n<3>error third\n");
}

TEST_CASE("lines that nobody read are counted, and the count is said when somebody reads again") {
    Rig rig;
    const std::string note(300, 'x');
    constexpr int lines = 2000;  // no more than one event may have at once
    for (int i = 0; i < lines; ++i) rig.log.warning("policy_note", {{"note", note}});
    CHECK(rig.sink.has_pending());
    std::string text;
    while (rig.sink.has_pending()) {
        text += rig.pipe.text();
        rig.sink.write_pending();
    }
    text += rig.pipe.text();
    const std::regex lost(" warning log_lines_lost lines=([0-9]+) reason=");
    std::smatch found;
    REQUIRE(std::regex_search(text, found, lost));
    CHECK(std::stoi(found[1]) + std::ranges::count(text, '\n') == lines + 1);
}

TEST_CASE("lines of one address beyond its rate are counted, and the count is said when they have ended") {
    Rig rig;
    for (int i = 0; i < 150; ++i) rig.log.info("login_failed", {{"address", "192.0.2.1:5"}});
    CHECK(std::ranges::count(rig.pipe.text(), '\n') == 100);
    CHECK(rig.sink.has_pending());
    rig.sink.write_pending();
    CHECK(rig.pipe.text().empty());
    virtual_now += 10s;
    rig.sink.write_pending();
    CHECK(contains(rig.pipe.text(), " warning log_lines_left_out event=login_failed address=192.0.2.1 lines=50\n"));
    CHECK_FALSE(rig.sink.has_pending());
}

TEST_CASE("at the end of the process every count is said") {
    Pipe pipe;
    {
        LogSink sink(config::LogFormat::text, pipe.writer(), false, read_virtual_clock);
        const Log log = sink.log(LogLevel::info);
        for (int i = 0; i < 101; ++i) log.info("login_failed", {{"address", "192.0.2.1:5"}});
    }
    CHECK(contains(pipe.text(), "lines=1\n"));
}

TEST_CASE("with a log file, the lines of the start go to standard error too, and later lines to the file only") {
    const LogDirectory directory;
    config::LogSettings settings;
    settings.target = config::LogTarget::file;
    settings.file = directory / "ledgemq.log";
    Rig rig;
    REQUIRE(rig.sink.direct_to(settings));
    rig.log.info("ready");
    rig.sink.end_of_start();
    rig.log.info("stopped");
    const std::string text = rig.pipe.text();
    CHECK(contains(text, " info ready\n"));
    CHECK_FALSE(contains(text, "stopped"));
    CHECK(contains(directory.text("ledgemq.log"), " info ready\n"));
    CHECK(contains(directory.text("ledgemq.log"), " info stopped\n"));
}

TEST_CASE("a log file that cannot be opened changes nothing") {
    const LogDirectory directory;
    config::LogSettings settings;
    settings.target = config::LogTarget::file;
    settings.file = directory / "missing/ledgemq.log";
    Rig rig;
    CHECK_FALSE(rig.sink.direct_to(settings));
    rig.log.info("not_started");
    CHECK(contains(rig.pipe.text(), "not_started"));
}

TEST_CASE("a log file that cannot be opened again is said in the former one; SIGHUP opens a renamed one again") {
    const LogDirectory directory;
    config::LogSettings settings;
    settings.target = config::LogTarget::file;
    settings.file = directory / "ledgemq.log";
    Rig rig;
    REQUIRE(rig.sink.direct_to(settings));
    std::filesystem::rename(directory / "ledgemq.log", directory / "old");
    std::filesystem::create_directory(directory / "ledgemq.log");
    rig.log.info("a");
    rig.log.info("b");
    const std::string text = directory.text("old");
    CHECK(contains(text, " error log_file_not_opened reason=\"the log file "));
    CHECK(text.find("log_file_not_opened") == text.rfind("log_file_not_opened"));
    std::filesystem::remove(directory / "ledgemq.log");
    rig.sink.reopen_file();
    CHECK(std::filesystem::is_regular_file(directory / "ledgemq.log"));
}
