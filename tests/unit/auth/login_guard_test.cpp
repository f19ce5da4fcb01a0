#include "ledge/auth/login_guard.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge::auth {
namespace {

constexpr Instant start{};

LoginGuard guard_with(const LoginLimits& limits) {
    LoginGuard guard(42);
    guard.set_limits(limits);
    return guard;
}

LoginSource source(const LoginGuard& guard, std::string_view address, std::string_view name = "alice",
                   bool is_unknown = false) {
    return guard.source_of(network_of(address), name, is_unknown);
}

TEST_CASE("the last failure that is allowed blocks a name at an address for a while, and no other") {
    LoginGuard guard = guard_with({.failures_max = 3, .window = 60s, .block_time = 10s});
    const LoginSource alice = source(guard, "192.0.2.1:1");
    CHECK_FALSE(guard.on_failure(alice, start));
    CHECK_FALSE(guard.on_failure(source(guard, "192.0.2.1:2"), start + 30s));
    CHECK_FALSE(guard.is_blocked(alice, start + 30s));
    CHECK(guard.on_failure(alice, start + 59s));
    CHECK(guard.is_blocked(source(guard, "192.0.2.1:4"), start + 68s));
    CHECK_FALSE(guard.is_blocked(source(guard, "192.0.2.2:4"), start + 68s));
    CHECK_FALSE(guard.is_blocked(source(guard, "192.0.2.1:4", "dash"), start + 68s));
    CHECK_FALSE(guard.is_blocked(alice, start + 69s));
}

TEST_CASE("names that nobody has count together, however many there are, and block no user") {
    LoginGuard guard = guard_with({.failures_max = 3});
    for (int i = 0; i < 3; ++i) guard.on_failure(source(guard, "192.0.2.1:1", std::to_string(i), true), start);
    CHECK(guard.is_blocked(source(guard, "192.0.2.1:1", "another", true), start));
    CHECK_FALSE(guard.is_blocked(source(guard, "192.0.2.1:1"), start));
    CHECK(guard.size() == 1);
}

TEST_CASE("failures that lie far apart do not add up, and a right password ends them") {
    LoginGuard guard = guard_with({.failures_max = 2, .window = 60s, .block_time = 10s});
    const LoginSource alice = source(guard, "192.0.2.1:1");
    for (int minute = 0; minute < 10; ++minute)
        CHECK_FALSE(guard.on_failure(alice, start + std::chrono::minutes(minute)));
    guard.on_success(alice);
    CHECK_FALSE(guard.on_failure(alice, start + 9min));
}

TEST_CASE("who has logged in comes first, then who is known by name, then strangers, then who has failed") {
    LoginGuard guard = guard_with({.window = 60s});
    const LoginSource alice = source(guard, "192.0.2.1:1");
    const LoginSource dash = source(guard, "192.0.2.1:1", "dash");
    CHECK(guard.standing_of(alice, start) == Standing::unknown);
    guard.on_success(dash);
    guard.on_failure(alice, start);
    CHECK(guard.standing_of(alice, start) == Standing::suspect);
    CHECK(guard.standing_of(source(guard, "192.0.2.1:9", "bob"), start) == Standing::suspect);
    CHECK(guard.standing_of(dash, start) == Standing::known);
    CHECK(guard.standing_of(source(guard, "192.0.2.2:1", "dash"), start) == Standing::named);
    guard.note_name("carol");
    CHECK(guard.standing_of(source(guard, "192.0.2.1:1", "carol"), start) == Standing::named);
    guard.on_failure(source(guard, "192.0.2.3:1", "carol"), start);
    CHECK(guard.standing_of(source(guard, "192.0.2.3:1", "carol"), start) == Standing::suspect);
    CHECK(guard.standing_of(alice, start + 60s) == Standing::unknown);
}

TEST_CASE("a question without an answer makes a suspect, and blocks nobody") {
    LoginGuard guard = guard_with({.failures_max = 1});
    const LoginSource alice = source(guard, "192.0.2.1:1");
    guard.on_unanswered(alice, start);
    CHECK(guard.standing_of(alice, start) == Standing::suspect);
    CHECK_FALSE(guard.is_blocked(alice, start));
}

TEST_CASE("a name that nobody has is never known, whatever comes of it") {
    LoginGuard guard = guard_with({});
    const LoginSource nobody = source(guard, "192.0.2.1:1", "x", true);
    guard.on_success(nobody);
    CHECK(guard.standing_of(nobody, start) == Standing::unknown);
}

TEST_CASE("without a limit, or without an address, nobody is blocked") {
    LoginGuard none = guard_with({.failures_max = 0});
    LoginGuard guard = guard_with({.failures_max = 1});
    for (int i = 0; i < 100; ++i) {
        CHECK_FALSE(none.on_failure(source(none, "192.0.2.1:1"), start));
        CHECK_FALSE(guard.on_failure(source(guard, "unix"), start));
    }
    CHECK(guard.size() == 0);
    CHECK_FALSE(guard.is_blocked(source(guard, "unix"), start));
    CHECK(guard.standing_of(source(guard, "unix"), start) == Standing::known);
}

TEST_CASE("any number of addresses takes bounded memory; the oldest failure is forgotten") {
    LoginGuard guard = guard_with({.failures_max = 1});
    const auto address = [](int i) { return "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ":1"; };
    for (int i = 0; i < 5000; ++i) guard.on_failure(source(guard, address(i)), start + i * 1ms);
    CHECK(guard.size() == LoginGuard::entries_max);
    CHECK_FALSE(guard.is_blocked(source(guard, address(0)), start + 5s));
    CHECK(guard.is_blocked(source(guard, address(4999)), start + 5s));
}

}  // namespace
}  // namespace ledge::auth
