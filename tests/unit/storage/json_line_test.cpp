#include "json_line.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace ledge::storage {
namespace {

TEST_CASE("fields follow each other in the order of the calls") {
    JsonLine line;
    line.text("a", "x");
    line.number("b", std::int64_t{-1});
    line.number("c", std::numeric_limits<std::uint64_t>::max());
    line.boolean("d", true);
    CHECK(line.finish() == "{\"a\":\"x\",\"b\":-1,\"c\":18446744073709551615,\"d\":true}\n");
    CHECK(JsonLine().finish() == "{}\n");
}

TEST_CASE("what is not text is shown in hexadecimal digits under another key") {
    JsonLine line;
    const Byte bytes[] = {0x00, 0xFF};
    line.bytes("payload", bytes);
    line.bytes("topic", as_bytes("\xC3\xA4\"\\\n"));
    CHECK(line.finish() == "{\"payload_hex\":\"00ff\",\"topic\":\"\xC3\xA4\\\"\\\\\\u000a\"}\n");
}

}  // namespace
}  // namespace ledge::storage
