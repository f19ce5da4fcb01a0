#include "ledge/base/boxed.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge {
namespace {

TEST_CASE("Boxed takes the place of an optional, in the size of a pointer") {
    static_assert(sizeof(Boxed<std::string>) == sizeof(void*));
    Boxed<std::string> name;
    CHECK_FALSE(name.has_value());
    name = "ann";
    REQUIRE(name);
    CHECK(*name == "ann");
    name->append("a");
    CHECK(name->size() == 4);
    name = std::nullopt;
    CHECK_FALSE(name);
    name = std::optional<std::string>("bea");
    CHECK(*name == "bea");
    name = std::optional<std::string>();
    CHECK_FALSE(name.has_value());
    name = std::string("cleo");
    name.reset();
    CHECK_FALSE(name.has_value());
}

TEST_CASE("copies of a Boxed are deep, and a moved one is empty") {
    Boxed<std::string> one("text");
    Boxed<std::string> other = one;
    *other += "s";
    CHECK(*one == "text");
    CHECK(*other == "texts");
    const Boxed<std::string> taken = std::move(other);
    CHECK(*taken == "texts");
    CHECK_FALSE(other.has_value());
    other = taken;
    CHECK(*other == "texts");
}

}  // namespace
}  // namespace ledge
