#include "ledge/base/result.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace ledge;

namespace {

enum class Wrong : std::uint8_t { empty, too_long };

Result<std::string, Wrong> checked(std::string text) {
    if (text.empty()) return Failure{Wrong::empty};
    if (text.size() > 3) return Failure{Wrong::too_long};
    return text;
}

}  // namespace

TEST_CASE("a result is a value or an error") {
    CHECK(checked("abc").ok());
    CHECK(*checked("abc") == "abc");
    CHECK(checked("abc")->size() == 3);
    CHECK_FALSE(checked("").ok());
    CHECK(checked("").error() == Wrong::empty);
    CHECK(checked("abcd").error() == Wrong::too_long);
    CHECK_FALSE(static_cast<bool>(checked("abcd")));
}

TEST_CASE("value and error may be of one type") {
    const Result<int, int> value = 1;
    const Result<int, int> error = Failure{1};
    CHECK(value.ok());
    CHECK_FALSE(error.ok());
}

TEST_CASE("a result holds what can only be moved") {
    Result<std::unique_ptr<int>, Wrong> result = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = std::move(result.value());
    CHECK(*taken == 7);
}
