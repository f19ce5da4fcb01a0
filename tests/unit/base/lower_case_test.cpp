#include "ledge/base/lower_case.hpp"

#include <doctest/doctest.h>

namespace ledge {
namespace {

TEST_CASE("only the letters of ASCII change") {
    CHECK(lower_case(std::string("AZaz09-._@[`{")) == "azaz09-._@[`{");
    CHECK(lower_case(std::string("\xC3\x84\x80\xFF")) == "\xC3\x84\x80\xFF");
    CHECK(lower_case(std::string()).empty());
}

}  // namespace
}  // namespace ledge
