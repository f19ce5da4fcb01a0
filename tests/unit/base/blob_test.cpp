#include "ledge/base/blob.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <utility>

using namespace ledge;

TEST_CASE("an empty blob has no bytes and no memory") {
    const Blob blob;
    CHECK_FALSE(static_cast<bool>(blob));
    CHECK(blob.size() == 0);
    CHECK(blob.bytes().empty());
    CHECK(blob.references() == 0);
}

TEST_CASE("a blob of zero bytes is a blob") {
    const Blob blob = Blob::copy_of({});
    CHECK(static_cast<bool>(blob));
    CHECK(blob.size() == 0);
    CHECK(blob.references() == 1);
}

TEST_CASE("copies share the bytes, moves take them") {
    Blob first = Blob::copy_of(as_bytes("telemetry"));
    CHECK(as_text(first.bytes()) == "telemetry");
    Blob second = first;
    CHECK(first.references() == 2);
    CHECK(second.data() == first.data());
    const Blob third = std::move(first);
    CHECK_FALSE(static_cast<bool>(first));
    CHECK(third.references() == 2);
    second = Blob();
    CHECK(third.references() == 1);
    CHECK(as_text(third.bytes()) == "telemetry");
}

TEST_CASE("assigning a blob to itself keeps it") {
    Blob blob = Blob::copy_of(as_bytes("x"));
    Blob& same = blob;
    blob = same;
    CHECK(blob.references() == 1);
    CHECK(as_text(blob.bytes()) == "x");
}

TEST_CASE("assigning over the last reference releases what it held") {
    Blob kept = Blob::copy_of(as_bytes("old"));
    kept = Blob::copy_of(as_bytes("new"));
    CHECK(as_text(kept.bytes()) == "new");
    CHECK(kept.references() == 1);
}

TEST_CASE("make gives a place to fill, aligned for any scalar") {
    auto [blob, place] = Blob::make(1000);
    CHECK(blob.size() == 1000);
    CHECK(place == blob.data());
    CHECK(reinterpret_cast<std::uintptr_t>(place) % 16 == 0);
    std::memset(place, 0x5A, 1000);
    CHECK(blob.bytes()[999] == 0x5A);
}
