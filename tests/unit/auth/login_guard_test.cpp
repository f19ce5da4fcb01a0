#include "ledge/auth/login_guard.hpp"

#include <doctest/doctest.h>

namespace ledge::auth {
namespace {

constexpr Instant start{};

TEST_CASE("an address without its port; of IPv6 its network") {
    CHECK(address_of("192.0.2.7:51123") == "192.0.2.7");
    CHECK(address_of("[2001:db8:1:2:3:4:5:6]:51123") == "2001:db8:1:2");
    CHECK(address_of("[2001:db8::1]:1") == "2001:db8:0:0");
    CHECK(address_of("[2001:db8::2]:9") == address_of("[2001:db8::1]:1"));
    CHECK(address_of("[::1]:1883") == "0:0:0:0");
    CHECK(address_of("[fe80::1%eth0]:1") == "fe80:0:0:0");
    CHECK(address_of("[1:2:3:4::]:1") == "1:2:3:4");
    CHECK(address_of("unix").empty());
    CHECK(address_of("").empty());
}

TEST_CASE("the last failure that is allowed blocks the address for a while, and no other") {
    LoginGuard guard({.failures_max = 3, .window = 60s, .block_time = 10s});
    CHECK_FALSE(guard.on_failure("192.0.2.1:1", start));
    CHECK(guard.is_suspect("192.0.2.1:9", start));
    CHECK_FALSE(guard.on_failure("192.0.2.1:2", start + 30s));
    CHECK_FALSE(guard.is_blocked("192.0.2.1:3", start + 30s));
    CHECK(guard.on_failure("192.0.2.1:3", start + 59s));
    CHECK(guard.is_blocked("192.0.2.1:4", start + 68s));
    CHECK_FALSE(guard.is_blocked("192.0.2.2:4", start + 68s));
    CHECK_FALSE(guard.is_suspect("192.0.2.2:4", start + 68s));
    CHECK_FALSE(guard.is_blocked("192.0.2.1:4", start + 69s));
}

TEST_CASE("failures that lie far apart do not add up") {
    LoginGuard guard({.failures_max = 2, .window = 60s, .block_time = 10s});
    for (int minute = 0; minute < 10; ++minute)
        CHECK_FALSE(guard.on_failure("192.0.2.1:1", start + std::chrono::minutes(minute)));
    CHECK_FALSE(guard.is_suspect("192.0.2.1:1", start + 11min));
}

TEST_CASE("without a limit, or without an address, nothing is counted") {
    LoginGuard none({.failures_max = 0});
    LoginGuard guard({.failures_max = 1});
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(none.on_failure("192.0.2.1:1", start));
        CHECK_FALSE(guard.on_failure("unix", start));
    }
    CHECK(none.size() == 0);
    CHECK(guard.size() == 0);
    CHECK_FALSE(guard.is_blocked("unix", start));
}

TEST_CASE("any number of addresses takes bounded memory; the oldest failure is forgotten") {
    LoginGuard guard({.failures_max = 1});
    for (int i = 0; i < 5000; ++i)
        guard.on_failure("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":1", start + i * 1ms);
    CHECK(guard.size() == LoginGuard::addresses_max);
    CHECK_FALSE(guard.is_blocked("10.0.0.0:1", start + 5s));
    CHECK(guard.is_blocked("10.0.19.135:1", start + 5s));
}

}  // namespace
}  // namespace ledge::auth
