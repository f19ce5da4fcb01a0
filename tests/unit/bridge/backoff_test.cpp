#include "ledge/bridge/backoff.hpp"

#include <doctest/doctest.h>

namespace ledge::bridge {
namespace {

TEST_CASE("the pause doubles up to its limit, with jitter of half") {
    Rng rng(1);
    for (int run = 0; run < 100; ++run) {
        Backoff backoff({1s, 60s, 120s});
        for (const Duration whole : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
            const Duration pause = backoff.next(RetryClass::network, rng);
            CHECK(pause >= whole / 2);
            CHECK(pause <= whole);
        }
        backoff.on_success();
        CHECK(backoff.next(RetryClass::network, rng) <= 1s);
    }
}

TEST_CASE("two gateways do not come back at the same moment") {
    Rng one(1);
    Rng two(2);
    Backoff a({1s, 60s, 120s});
    Backoff b({1s, 60s, 120s});
    CHECK(a.next(RetryClass::network, one) != b.next(RetryClass::network, two));
}

TEST_CASE("wrong credentials are tried again after minutes") {
    Rng rng(1);
    Backoff backoff({1s, 300s, 120s});
    for (int attempt = 0; attempt < 20; ++attempt) CHECK(backoff.next(RetryClass::operator_needed, rng) >= 60s);
}

TEST_CASE("another dialect is tried at once, but not without end") {
    Rng rng(1);
    Backoff backoff({1s, 300s, 120s});
    for (int attempt = 0; attempt < Backoff::at_once_max; ++attempt)
        CHECK(backoff.next(RetryClass::at_once, rng) <= 1s);
    Duration longest{};
    for (int attempt = 0; attempt < 60; ++attempt) longest = std::max(longest, backoff.next(RetryClass::at_once, rng));
    CHECK(longest >= 150s);
}

}  // namespace
}  // namespace ledge::bridge
