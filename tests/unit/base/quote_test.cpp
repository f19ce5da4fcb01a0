#include "ledge/base/quote.hpp"

#include <doctest/doctest.h>

namespace ledge::test {

TEST_CASE("a quoted text has no byte that could end it, and all others as they are") {
    CHECK(quoted("") == "\"\"");
    CHECK(quoted("a \"b\" c\\d") == R"("a \"b\" c\\d")");
    CHECK(quoted(std::string_view("\0\n\x1f\x7f", 4)) == R"("\u0000\u000a\u001f\u007f")");
    CHECK(quoted("\xC3\xA4/+ 'x'") == "\"\xC3\xA4/+ 'x'\"");
}

TEST_CASE("hexadecimal digits are as many as are asked for, the lowest ones") {
    std::string out = "x";
    append_hex(0x1F, 2, out);
    append_hex(0xABC, 4, out);
    append_hex(0x12345, 1, out);
    CHECK(out == "x1f0abc5");
}

}  // namespace ledge::test
