#include "tls/psk_file.hpp"

#include <doctest/doctest.h>

using namespace ledge;
using namespace ledge::net;

namespace {

constexpr std::string_view key = "000102030405060708090A0b0c0d0e0f";

std::string wrong(const std::string& text) {
    const auto table = parse_psk_file(text);
    INFO(text);
    REQUIRE_FALSE(table.ok());
    CHECK(table.error().find("0102") == std::string::npos);  // no key in a log
    return table.error();
}

}  // namespace

TEST_CASE("lines are IDENTITY:HEX; comments, empty lines and ends of lines of other systems are fine") {
    const auto table = parse_psk_file("# devices\n\nmeter:" + std::string(key) + "\r\nlamp:" + std::string(64, 'f'));
    REQUIRE(table.ok());
    REQUIRE(table.value().size() == 2);
    CHECK(table.value().find("meter")->second.size() == 16);
    CHECK(table.value().find("meter")->second[10] == 10);
    CHECK(table.value().find("lamp")->second == std::vector<Byte>(32, 0xFF));
}

TEST_CASE("what is wrong is said with its line") {
    CHECK(wrong("a:" + std::string(key) + "\nnothing").starts_with("line 2 has no ':'"));
    CHECK(wrong(":" + std::string(key)).starts_with("line 1 has an identity that is not 1 to 128 bytes"));
    CHECK(wrong(std::string(129, 'i') + ":" + std::string(key)).starts_with("line 1 has an identity"));
    CHECK(wrong("a:" + std::string(key) + "0").starts_with("line 1 has a key that is not pairs"));
    CHECK(wrong("a:0102030405060708090a0b0c0d0e0fxx").starts_with("line 1 has a key that is not pairs"));
    CHECK(wrong("a:0102").starts_with("line 1 has a key of 2 bytes; use 16 to 32"));
    CHECK(wrong("a:" + std::string(66, 'a')).starts_with("line 1 has a key of 33 bytes"));
    CHECK(wrong("a:" + std::string(key) + "\na:" + std::string(key)).starts_with("line 2 has an identity that an ear"));
    CHECK(wrong("# nothing\n") == "has no line IDENTITY:HEX");
}
