#include "victims.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge::broker {
namespace {

// Who gives way, in order, until `wanted` bytes have come.
std::string order(Victims<char>& victims, std::uint64_t wanted, std::uint64_t taken) {
    std::string names;
    CHECK(victims.free_bytes(wanted, [&](char& name) { names += name; }) == taken);
    return names;
}

TEST_CASE("the largest holder of the owner that holds most gives way, again and again") {
    char names[] = "abcdef";
    Victims<char> victims;
    const OwnerId one{1};
    const OwnerId two{2};
    const auto fill = [&] {
        victims.clear();
        victims.add(one, 10, names[0]);
        victims.add(two, 60, names[1]);
        victims.add(one, 50, names[2]);
        victims.add(one, 40, names[3]);
        victims.add(two, 4, names[4]);
        victims.add(two, 4, names[5]);
    };
    fill();
    CHECK(order(victims, 0, 0).empty());
    fill();
    CHECK(order(victims, 1, 50) == "c");  // owner 1 holds 100, owner 2 holds 68
    fill();
    CHECK(order(victims, 150, 150) == "cbd");  // then 50 against 68, then 50 against 8
    fill();
    CHECK(order(victims, 1000, 168) == "cbdaef");  // all of them; of equal ones the first that was added
}

TEST_CASE("nobody gives way where nobody is") {
    Victims<char> victims;
    CHECK(order(victims, 10, 0).empty());
}

}  // namespace
}  // namespace ledge::broker
