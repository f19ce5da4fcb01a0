#include "ledge/base/histogram.hpp"

#include <doctest/doctest.h>

namespace ledge {
namespace {

TEST_CASE("a value belongs to the first bucket whose bound is not smaller") {
    Histogram histogram(3);  // 8, 16, 32, ...
    for (const std::uint64_t value : {0U, 1U, 8U, 9U, 16U, 17U, 32U}) histogram.note(value);
    CHECK(histogram.bound(0) == 8);
    CHECK(histogram.bound(2) == 32);
    CHECK(histogram.in_bucket(0) == 3);
    CHECK(histogram.in_bucket(1) == 2);
    CHECK(histogram.in_bucket(2) == 2);
    CHECK(histogram.in_bucket(3) == 0);
    CHECK(histogram.count() == 7);
    CHECK(histogram.sum() == 83);
    CHECK(histogram.max() == 32);
}

TEST_CASE("a value above all bounds is in no bucket, and counts") {
    Histogram histogram;
    histogram.note(histogram.bound(Histogram::buckets - 1));
    histogram.note(histogram.bound(Histogram::buckets - 1) + 1);
    histogram.note(~std::uint64_t{0});
    std::uint64_t in_buckets = 0;
    for (std::size_t i = 0; i < Histogram::buckets; ++i) in_buckets += histogram.in_bucket(i);
    CHECK(in_buckets == 1);
    CHECK(histogram.count() == 3);
}

TEST_CASE("a quantile is the bound of its bucket, and never more than the largest value") {
    Histogram histogram;
    CHECK(histogram.quantile(99) == 0);
    for (int i = 0; i < 98; ++i) histogram.note(3);  // in the bucket up to 4
    histogram.note(100);                             // in the bucket up to 128
    histogram.note(200);                             // in the bucket up to 256
    CHECK(histogram.quantile(50) == 4);
    CHECK(histogram.quantile(98) == 4);
    CHECK(histogram.quantile(99) == 128);
    CHECK(histogram.quantile(100) == 200);
}

}  // namespace
}  // namespace ledge
