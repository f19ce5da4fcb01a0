#include "ledge/storage/wear.hpp"

#include <doctest/doctest.h>

namespace ledge::storage {
namespace {

constexpr Instant start{5000h};

CommitReport written(std::uint64_t device_bytes) {
    CommitReport report;
    report.device_bytes = device_bytes;
    report.given[1] = 10;
    return report;
}

TEST_CASE("bytes of a day are forgotten an hour at a time") {
    WearAccount wear(0);
    for (int hour = 0; hour < 24; ++hour) wear.note(written(100), start + hour * 1h);
    CHECK(wear.day_bytes(start + 23h) == 2400);
    CHECK(wear.day_bytes(start + 24h) == 2300);
    CHECK(wear.day_bytes(start + 30h) == 1700);
    CHECK(wear.day_bytes(start + 200h) == 0);
    CHECK(wear.totals().device_bytes == 2400);
    CHECK(wear.totals().given[1] == 240);
    CHECK(wear.totals().commits == 24);
}

TEST_CASE("without a budget the interval stays") {
    WearAccount wear(0);
    wear.note(written(1'000'000'000), start);
    CHECK(wear.lazy_interval(1s, start) == 1s);
}

TEST_CASE("the interval widens with the pace of the day, within its bound, and comes back") {
    WearAccount wear(24'000);  // 1000 bytes an hour
    CHECK(wear.lazy_interval(1s, start) == 1s);
    wear.note(written(500), start);
    CHECK(wear.lazy_interval(1s, start) == 1s);
    wear.note(written(1500), start + 1min);
    CHECK(wear.lazy_interval(1s, start + 1min) == 2s);  // 2000 in the first hour
    CHECK(wear.lazy_interval(1s, start + 1h) == 1s);    // 2000 in two
    wear.note(written(1'000'000), start + 1h);
    CHECK(wear.lazy_interval(1s, start + 1h) == WearAccount::widening_max * 1s);
    CHECK(wear.lazy_interval(1s, start + 26h) == 1s);
}

}  // namespace
}  // namespace ledge::storage
