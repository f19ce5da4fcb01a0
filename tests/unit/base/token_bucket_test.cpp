#include "ledge/base/token_bucket.hpp"

#include <doctest/doctest.h>

using namespace ledge;

namespace {
constexpr Instant start{};

/// How many single tokens can be had at `now`.
int take_all(TokenBucket& bucket, Instant now) {
    int count = 0;
    bucket.refill(now);
    while (bucket.is_ready() && count < 10'000) {
        bucket.take(1);
        ++count;
    }
    return count;
}
}  // namespace

TEST_CASE("without a rate it is always ready") {
    TokenBucket bucket;
    CHECK_FALSE(bucket.is_limited());
    bucket.take(1'000'000'000);
    CHECK(bucket.is_ready());
    CHECK(TokenBucket(0, 5, start).is_ready());
}

TEST_CASE("it begins full, and holds what comes in a second unless a burst is named") {
    TokenBucket plain(10, 0, start);
    CHECK(take_all(plain, start) == 10);
    TokenBucket wide(10, 25, start);
    CHECK(take_all(wide, start) == 25);
    CHECK(take_all(wide, start + 1h) == 25);
}

TEST_CASE("it tells whether it has several tokens") {
    TokenBucket bucket(10, 25, start);
    CHECK(bucket.has(25));
    CHECK_FALSE(bucket.has(26));
    bucket.take(25);
    CHECK(bucket.has(0));
    CHECK_FALSE(bucket.has(1));
    CHECK(TokenBucket().has(TokenBucket::per_second_max));
}

TEST_CASE("over a long time the rate is exact, however often it is looked at") {
    for (const Duration step : {Duration(1), Duration(333), Duration(10'000), Duration(1'500'000)}) {
        TokenBucket bucket(7, 20, start);
        int taken = take_all(bucket, start) - 20;
        Instant now = start;
        while (now < start + 3s) taken += take_all(bucket, now += step);
        INFO(step.count());
        CHECK(taken == 21);
    }
}

TEST_CASE("what is taken in one piece is paid back before it is ready again, to the microsecond") {
    TokenBucket bucket(1000, 100, start);
    bucket.take(4096);
    CHECK_FALSE(bucket.is_ready());
    const Instant ready = start + Duration(3'997'000);  // 3996 owed, and one
    CHECK(bucket.ready_at() == ready);
    bucket.refill(ready - Duration(1));
    CHECK_FALSE(bucket.is_ready());
    CHECK(bucket.ready_at() == ready);
    bucket.refill(ready);
    CHECK(bucket.is_ready());
    CHECK(bucket.ready_at() <= ready);
}

TEST_CASE("time that goes backwards gives nothing, and extremes do not overflow") {
    TokenBucket bucket(1, 1, start + 10s);
    bucket.take(1);
    bucket.refill(start);
    CHECK_FALSE(bucket.is_ready());
    TokenBucket large(TokenBucket::per_second_max, TokenBucket::per_second_max, start);
    large.take(TokenBucket::per_second_max);
    CHECK_FALSE(large.is_ready());
    large.refill(never - 1s);
    CHECK(large.is_ready());
}

TEST_CASE("it says when it will be full") {
    TokenBucket bucket(10, 20, start);
    CHECK(bucket.full_at() == start);
    bucket.take(25);
    CHECK(bucket.full_at() == start + 2500ms);
    bucket.refill(start + 2499ms);
    CHECK(bucket.full_at() == start + 2500ms);
    bucket.refill(start + 5s);
    CHECK(bucket.full_at() <= start + 5s);
    CHECK(TokenBucket().full_at() == Instant{});
}

TEST_CASE("another rate leaves what was taken taken, and gives no new burst") {
    TokenBucket bucket(10, 20, start);
    CHECK(take_all(bucket, start) == 20);
    bucket.change(100, 0);
    CHECK(take_all(bucket, start) == 0);
    CHECK(take_all(bucket, start + 100ms) == 10);
    bucket.refill(start + 10s);
    bucket.change(10, 5);
    CHECK(take_all(bucket, start + 10s) == 5);
    bucket.change(0, 0);
    CHECK(take_all(bucket, start + 10s) == 10'000);
    bucket.change(10, 5);
    CHECK(take_all(bucket, start + 10s) == 0);
}
