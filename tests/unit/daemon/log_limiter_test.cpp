#include "log_limiter.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace ledge;
using namespace ledge::daemon;

namespace {

constexpr Instant start{1h};

struct Rig {
    bool admits(std::string_view event, const std::string& address, Instant now = start) {
        const LogField field("address", address);
        return limiter.admits({LogLevel::info, event, {&field, 1}}, now);
    }
    std::size_t admitted(int count, std::string_view event, const std::string& address, Instant now = start) {
        std::size_t sum = 0;
        for (int i = 0; i < count; ++i) sum += std::size_t{admits(event, address, now)};
        return sum;
    }
    LogLimiter limiter;
};

}  // namespace

TEST_CASE("one address causes a burst of lines of one event, and a trickle afterwards; others are not affected") {
    Rig rig;
    CHECK(rig.admitted(1000, "login_failed", "192.0.2.1:1000") == LogLimiter::burst_of_address);
    CHECK(rig.admitted(1000, "login_failed", "192.0.2.1:2000") == 0);  // another port is the same address
    CHECK(rig.admits("login_failed", "192.0.2.2:1000"));
    CHECK(rig.admits("connection_refused", "192.0.2.1:1000"));
    CHECK(rig.admitted(10, "login_failed", "192.0.2.1:1000", start + 60s) == 12 - 2);
    CHECK(rig.admitted(100, "login_failed", "192.0.2.1:1000", start + 120s) == 14);
}

TEST_CASE("an IPv6 network of 64 bits counts as one address") {
    Rig rig;
    std::size_t sum = 0;
    for (int i = 0; i < 100'000; ++i) {
        const std::string network = std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
        sum += std::size_t{rig.admits("login_failed", "10." + network + ".1:9")};
    }
    CHECK(sum == LogLimiter::burst_of_event);
    CHECK(rig.limiter.has_left_out());
}

TEST_CASE("a line without an address has the rate of its event") {
    Rig rig;
    std::size_t sum = 0;
    for (int i = 0; i < 5000; ++i)
        sum += std::size_t{rig.limiter.admits({LogLevel::error, "stored_session_unreadable", {}}, start)};
    CHECK(sum == LogLimiter::burst_of_event);
}

TEST_CASE("the count of what was left out is due when the flood has ended") {
    Rig rig;
    rig.admitted(1000, "login_failed", "192.0.2.1:1000");
    CHECK(rig.limiter.take_due(start + LogLimiter::quiet_time - 1s).empty());
    const auto due = rig.limiter.take_due(start + LogLimiter::quiet_time);
    REQUIRE(due.size() == 1);
    CHECK(due[0].event == "login_failed");
    CHECK(due[0].address == "192.0.2.1");
    CHECK(due[0].lines == 1000 - LogLimiter::burst_of_address);
    CHECK_FALSE(rig.limiter.has_left_out());
}

TEST_CASE("the count of a flood that goes on is due once a minute") {
    Rig rig;
    std::uint64_t told = 0;
    std::uint64_t written = 0;
    std::size_t reports = 0;
    constexpr int seconds = 600;
    for (int second = 0; second < seconds; ++second) {
        const Instant now = start + std::chrono::seconds(second);
        written += rig.admitted(100, "login_failed", "192.0.2.1:1000", now);
        for (const auto& due : rig.limiter.take_due(now)) {
            told += due.lines;
            ++reports;
        }
    }
    CHECK(reports == 9);
    for (const auto& due : rig.limiter.take_all()) told += due.lines;
    CHECK(told + written == 100 * seconds);
    CHECK(written == LogLimiter::burst_of_address + 119);  // one in five seconds
}

TEST_CASE("the table is bounded, the counts lose nothing, and a new address is heard after the flood") {
    Rig rig;
    std::uint64_t asked = 0;
    std::uint64_t written = 0;
    for (int i = 0; i < 3000; ++i) {
        const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":9";
        written += rig.admitted(2, "login_failed", address);
        asked += 2;
    }
    std::uint64_t told = 0;
    std::size_t reports = 0;
    for (int second = 0; second < 1000; ++second) {
        const auto due = rig.limiter.take_due(start + 100s + std::chrono::seconds(second));
        CHECK(due.size() <= LogLimiter::reports_max);
        for (const auto& count : due) told += count.lines;
        reports += due.size();
    }
    CHECK(told + written == asked);
    CHECK(reports <= LogLimiter::entries_max);
    CHECK(rig.admits("login_failed", "192.0.2.77:9", start + 3000s));
}
