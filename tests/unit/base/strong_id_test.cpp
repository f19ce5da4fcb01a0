#include "ledge/base/strong_id.hpp"

#include <doctest/doctest.h>
#include <boost/container_hash/hash.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <unordered_set>

using namespace ledge;

namespace {

using Door = StrongId<struct DoorTag, std::uint64_t>;
using Room = StrongId<struct RoomTag, std::uint64_t>;
using Floor = StrongId<struct FloorTag, std::uint8_t>;

template <class A, class B>
concept Comparable = requires(A a, B b) {
    a == b;
}
|| requires(A a, B b) { a < b; };

}  // namespace

// These claims are about code that must not compile, so the compiler checks them.
TEST_CASE("an id is neither an id of another kind nor a number") {
    static_assert(!std::constructible_from<Door, Room> && !std::assignable_from<Door&, Room>);
    static_assert(!Comparable<Door, Room>);
    static_assert(!std::convertible_to<std::uint64_t, Door> && !std::convertible_to<Door, std::uint64_t>);
    static_assert(!std::assignable_from<Door&, std::uint64_t> && !std::constructible_from<bool, Door>);
    static_assert(!Comparable<Door, std::uint64_t>);
    static_assert(std::constructible_from<Door, std::uint64_t>);
}

TEST_CASE("an id costs what its integer costs") {
    static_assert(sizeof(Door) == sizeof(std::uint64_t) && alignof(Door) == alignof(std::uint64_t));
    static_assert(sizeof(Floor) == 1);
    static_assert(std::is_trivially_copyable_v<Door> && std::is_trivially_destructible_v<Door>);
}

TEST_CASE("an id is 0 until it has a value, and keeps the value that it is given") {
    CHECK(Door().value() == 0);
    CHECK(Door(~std::uint64_t{0}).value() == ~std::uint64_t{0});
}

TEST_CASE("ids have the order of their numbers, also above the signed range") {
    CHECK(Door(7) == Door(7));
    CHECK(Door(7) != Door(8));
    CHECK(Door(7) < Door(~std::uint64_t{0}));
    CHECK(std::max(Door(7), Door(8)) == Door(8));
}

TEST_CASE("a counter of ids goes up by one, and from the highest id to 0") {
    Door door(7);
    CHECK(door.next() == Door(8));
    CHECK(door == Door(7));
    CHECK(++door == Door(8));
    CHECK(door == Door(8));
    CHECK(Floor(255).next() == Floor(0));
}

TEST_CASE("std::hash and boost::hash give an id the hash of its number") {
    CHECK(std::hash<Door>{}(Door(7)) == std::hash<std::uint64_t>{}(7));
    CHECK(boost::hash<Door>{}(Door(7)) == boost::hash<std::uint64_t>{}(7));
    std::unordered_set<Door> doors{Door(1), Door(2), Door(1)};
    CHECK(doors.size() == 2);
    CHECK(doors.contains(Door(2)));
}
