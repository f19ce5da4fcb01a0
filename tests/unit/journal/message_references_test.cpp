// How many rows refer to each message, in pages that come and go.
#include "ledge/journal/message_references.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ledge/base/rng.hpp"

namespace ledge::journal {
namespace {

TEST_CASE("the last row of a message is told from the others") {
    MessageReferences references;
    const MessageNumber message(7);
    CHECK(references.count(message) == 0);
    references.add(message);
    references.add(message, 2);
    CHECK(references.count(message) == 3);
    CHECK_FALSE(references.release(message));
    CHECK_FALSE(references.release(message));
    CHECK(references.release(message));
    CHECK(references.count(message) == 0);
}

TEST_CASE("more rows than two bytes can count are counted all the same") {
    MessageReferences references;
    const MessageNumber message(1);
    references.add(message, 0xFFFE);
    references.add(message);
    references.add(message, 100'000);
    CHECK(references.count(message) == 0xFFFF + 100'000);
    std::uint32_t left = references.count(message);
    while (left > 1) {
        REQUIRE_FALSE(references.release(message));
        REQUIRE(references.count(message) == --left);
    }
    CHECK(references.release(message));
    references.add(message);
    CHECK(references.count(message) == 1);
}

TEST_CASE("neighbours, and numbers a page apart, do not disturb each other") {
    MessageReferences references;
    std::map<MessageNumber, std::uint32_t> model;
    Rng rng(5);
    for (int i = 0; i < 200'000; ++i) {
        const MessageNumber message(4090 + rng.below(12) + 4096 * rng.below(3));
        std::uint32_t& expected = model[message];
        if (expected == 0 || rng.one_in(2)) {
            const auto rows = static_cast<std::uint32_t>(1 + (rng.one_in(100) ? rng.below(70'000) : rng.below(3)));
            references.add(message, rows);
            expected += rows;
        } else {
            REQUIRE(references.release(message) == (expected == 1));
            --expected;
        }
        REQUIRE(references.count(message) == expected);
    }
}

}  // namespace
}  // namespace ledge::journal
