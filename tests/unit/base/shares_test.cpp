#include "ledge/base/shares.hpp"

#include <doctest/doctest.h>

using namespace ledge;

TEST_CASE("shares know each holder's places and those of the largest holder, as places come and go") {
    Shares<int> shares;
    CHECK(shares.largest() == 0);
    for (const int holder : {1, 2, 2, 2, 3}) shares.add(holder);
    CHECK(shares.largest() == 3);
    CHECK(shares.of(2) == 3);
    CHECK(shares.of(9) == 0);
    CHECK(shares.total() == 5);
    shares.remove(2);
    CHECK(shares.largest() == 2);
    shares.add(1);
    shares.remove(2);
    CHECK(shares.largest() == 2);
    for (const int holder : {1, 1, 2, 3}) shares.remove(holder);
    CHECK(shares.largest() == 0);
    CHECK(shares.total() == 0);
}
