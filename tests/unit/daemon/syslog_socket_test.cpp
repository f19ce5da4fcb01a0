#include "syslog_socket.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <regex>

#include "log_directory.hpp"
#include "log_sink.hpp"

using namespace ledge;
using namespace ledge::daemon;

namespace {

/// A syslog daemon that keeps nothing: the test reads each datagram.
class SyslogDaemon {
public:
    explicit SyslogDaemon(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    /// The next datagram, "" if none has come.
    std::string next() {
        std::array<char, 8192> text{};
        const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
        return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }

private:
    os::Descriptor socket_;
};

Instant fixed_clock() { return Instant{1h}; }

config::LogSettings syslog_at(const std::string& path, config::LogFacility facility = config::LogFacility::daemon) {
    config::LogSettings settings;
    settings.target = config::LogTarget::syslog;
    settings.syslog_socket = path;
    settings.facility = facility;
    return settings;
}

}  // namespace

TEST_CASE("a line for syslog has facility, severity, time and program, and no line end") {
    const LogDirectory directory;
    SyslogDaemon daemon(directory / "log");
    LogSink sink(config::LogFormat::text, -1, false, fixed_clock);
    REQUIRE(sink.direct_to(syslog_at(directory / "log")));
    const Log log = sink.log(LogLevel::debug);
    const std::string rest =
        R"([JFMASOND][a-z]{2} [ 1-3]\d [0-2]\d:[0-5]\d:[0-6]\d ledgemq\[)" + std::to_string(::getpid()) + R"(\]: )";
    // 3 * 8 + the severity of syslog(3). The journal gets the same severities (log_sink_test.cpp).
    log.debug("a");
    CHECK(std::regex_match(daemon.next(), std::regex("<31>" + rest + "debug a")));
    log.info("ready", {{"addresses", "127.0.0.1:1883"}});
    CHECK(std::regex_match(daemon.next(), std::regex("<30>" + rest + R"(info ready addresses=127\.0\.0\.1:1883)")));
    log.warning("b");
    CHECK(std::regex_match(daemon.next(), std::regex("<28>" + rest + "warning b")));
    log.error("c");
    CHECK(std::regex_match(daemon.next(), std::regex("<27>" + rest + "error c")));
}

TEST_CASE("the facilities have the numbers of syslog(3)") {
    const LogDirectory directory;
    SyslogDaemon daemon(directory / "log");
    const auto priority_of = [&](config::LogFacility facility) {
        LogSink sink(config::LogFormat::text, -1, false, fixed_clock);
        REQUIRE(sink.direct_to(syslog_at(directory / "log", facility)));
        sink.log(LogLevel::info).info("ready");
        const std::string line = daemon.next();
        return line.substr(0, line.find('>') + 1);
    };
    CHECK(priority_of(config::LogFacility::user) == "<14>");
    CHECK(priority_of(config::LogFacility::local0) == "<134>");
    CHECK(priority_of(config::LogFacility::local7) == "<190>");
}

TEST_CASE("lines wait for a syslog daemon that starts later, and for one that is restarted") {
    const LogDirectory directory;
    LogSink sink(config::LogFormat::text, -1, false, fixed_clock);
    REQUIRE(sink.direct_to(syslog_at(directory / "log")));
    const Log log = sink.log(LogLevel::info);
    log.info("first");
    CHECK(sink.has_pending());
    {
        SyslogDaemon daemon(directory / "log");
        sink.write_pending();
        CHECK(daemon.next().ends_with("info first"));
        CHECK_FALSE(sink.has_pending());
    }
    log.info("second");
    CHECK(sink.has_pending());
    std::filesystem::remove(directory / "log");
    SyslogDaemon daemon(directory / "log");
    log.info("third");
    CHECK(daemon.next().ends_with("info second"));
    CHECK(daemon.next().ends_with("info third"));
    CHECK(daemon.next().empty());
}

TEST_CASE("a daemon that does not read never stops the broker; the lost lines are counted") {
    const LogDirectory directory;
    SyslogDaemon daemon(directory / "log");
    LogSink sink(config::LogFormat::text, -1, false, fixed_clock);
    REQUIRE(sink.direct_to(syslog_at(directory / "log")));
    const Log log = sink.log(LogLevel::info);
    const std::string note(300, 'x');
    for (int i = 0; i < 2000; ++i) log.warning("policy_note", {{"note", note}});
    int lines = 0;
    std::string last;
    while (sink.has_pending()) {
        for (std::string line; !(line = daemon.next()).empty(); ++lines) last = line;
        sink.write_pending();
    }
    for (std::string line; !(line = daemon.next()).empty(); ++lines) last = line;
    std::smatch found;
    REQUIRE(std::regex_search(last, found, std::regex("log_lines_lost lines=([0-9]+) reason=\"no syslog daemon")));
    CHECK(std::stoi(found[1]) + lines == 2001);
}

TEST_CASE("a line beyond 1023 bytes is cut between two characters") {
    const LogDirectory directory;
    SyslogDaemon daemon(directory / "log");
    LogSink sink(config::LogFormat::text, -1, false, fixed_clock);
    REQUIRE(sink.direct_to(syslog_at(directory / "log")));
    const std::string value(380, 'x');
    std::string umlauts;
    for (int i = 0; i < 190; ++i) umlauts += "\xC3\xBC";
    sink.log(LogLevel::info).info("long", {{"a", value}, {"b", value}, {"e", umlauts}});
    const std::string line = daemon.next();
    CHECK(line.size() <= syslog_line_bytes_max);
    CHECK(line.size() >= syslog_line_bytes_max - 2);
    CHECK(line.ends_with("\xC3\xBC..."));
}
