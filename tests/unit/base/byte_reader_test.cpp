#include "ledge/base/byte_reader.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace ledge;

namespace {

using ByteVector = std::vector<Byte>;

}  // namespace

TEST_CASE("fields are read from the front, big endian") {
    const ByteVector bytes{1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 'a', 'b', 9};
    ByteReader in(bytes);
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0x0203);
    CHECK(in.u32() == 0x04050607);
    CHECK(in.u64() == 256);
    CHECK(in.text() == "ab");
    CHECK(in.is_ok());
    CHECK_FALSE(in.is_ok_and_empty());
    CHECK(in.rest().size() == 1);
    CHECK(in.bytes(1)[0] == 9);
    CHECK(in.is_ok_and_empty());
}

TEST_CASE("a signed number and an instant may be negative") {
    const ByteVector bytes(16, 0xFF);
    ByteReader in(bytes);
    CHECK(in.i64() == -1);
    CHECK(in.instant() == Instant(Duration(-1)));
}

TEST_CASE("a variable byte integer has one to four bytes, and a fifth one is an error") {
    const ByteVector small{0x7F, 0x80, 0x01, 0xFF, 0xFF, 0xFF, 0x7F};
    ByteReader in(small);
    CHECK(in.variable() == 127);
    CHECK(in.variable() == 128);
    CHECK(in.variable() == 268'435'455);
    CHECK(in.is_ok_and_empty());
    const ByteVector endless{0x80, 0x80, 0x80, 0x80, 0x01};
    ByteReader broken(endless);
    CHECK(broken.variable() == 0);
    CHECK_FALSE(broken.is_ok());
}

TEST_CASE("a read beyond the end returns zeros and is remembered, and no later read succeeds") {
    const ByteVector bytes{1, 2, 3};
    ByteReader in(bytes);
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.is_ok());
    CHECK(in.is_empty());
    CHECK(in.u8() == 0);
    CHECK(in.text().empty());
    CHECK(in.bytes(0).empty());
    CHECK_FALSE(in.is_ok());
}
